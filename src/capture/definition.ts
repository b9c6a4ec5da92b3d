/**
 * What edp.yaml says of a captured table, as a hash that install leaves in the source: whoever may not read the tables themselves,
 * such as a run, sees by it whether what is installed is what edp.yaml says.
 */
import { createHash } from 'node:crypto';
import type { Capture, CapturedTable } from '../model/capture.js';
import type { Table } from '../model/model.js';

export function definitionOf(
  { isStrict }: Pick<Capture, 'isStrict'>,
  { from, columns, where }: CapturedTable,
  table: Table,
): string {
  const said = [
    isStrict,
    from,
    where ?? null,
    Object.entries(columns).sort(([a], [b]) => (a < b ? -1 : 1)),
    table.version ?? 1,
    table.key,
    table.columns
      .filter(({ origin }) => origin === undefined)
      .map(({ name, type }) => [name, type]),
  ];
  return createHash('md5').update(JSON.stringify(said)).digest('hex');
}
