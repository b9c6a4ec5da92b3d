/** What `capture:` of edp.yaml takes from a source already: tables of the source → tables of the model, whatever these are called. */
import type { Capture } from '../model/capture.js';
import { parseTableName, plainTableName } from '../model/table-name.js';
import type { SourceTable } from './read-source-tables.js';

/** By oid of the table of the source, the tables of the model that it feeds: several, where edp.yaml says so. */
export type CapturedNames = ReadonlyMap<number, readonly string[]>;

/** @param capture undefined where edp.yaml has no such section */
export function findCaptured(
  tables: readonly SourceTable[],
  capture: Pick<Capture, 'tables'> | undefined,
): CapturedNames {
  const names = new Map<number, string[]>();
  for (const { table: model, from } of capture?.tables ?? []) {
    const { schema, name } = parseTableName(from);
    const source = tables.find(
      (one) => one.name === name && (schema === undefined ? one.isInPath : one.schema === schema),
    );
    if (source === undefined) continue;
    names.set(source.oid, [...(names.get(source.oid) ?? []), plainTableName(model)]);
  }
  return names;
}
