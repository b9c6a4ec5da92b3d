/** Two versions of the schemas of a table, attribute by attribute. */
import { EdpError } from '../base/errors.js';
import { pathSegment } from '../events/change-event.js';
import type { EventTable } from '../events/event-table.js';
import type { Catalogue } from './catalogue.js';
import {
  type Compatibility,
  compareShapes,
  compatibilityOf,
  type ShapeChange,
} from './compare-shapes.js';
import { findEdited, type Lock, listVersions, lockByTable, refusePublished } from './published.js';
import { readPublished, shapeOfModel, stepsBehind } from './schema-versions.js';

export interface TableDiff {
  readonly table: string;
  readonly from: number;
  /** Undefined for the model. */
  readonly to: number | undefined;
  readonly compatibility: Compatibility;
  readonly changes: readonly ShapeChange[];
}

interface DiffRequest {
  /** Undefined for all. */
  readonly table: string | undefined;
  /** Default: the last published version. */
  readonly from: number | undefined;
  /** Default: the model. */
  readonly to: number | undefined;
}

/** @throws EdpError `usage` for a version that is not published, `published_schema` for one whose files were edited */
export async function diffSchemas(
  directory: string,
  { tables }: Catalogue,
  lock: Lock,
  request: DiffRequest,
): Promise<TableDiff[]> {
  const versions = listVersions(lock);
  const names = request.table === undefined ? [...versions.keys()] : [request.table];
  const byName = new Map(tables.map((table) => [table.name, table]));
  const parts = lockByTable(lock);
  const diffs: TableDiff[] = [];
  for (const name of names) {
    const published = versions.get(name) ?? [];
    const table = byName.get(name);
    const from = request.from ?? published.at(-1);
    const asked = [from, request.to].filter((version) => version !== undefined);
    const missing = asked.find((version) => !published.includes(version));
    const isComparable = from !== undefined && missing === undefined;
    if (!isComparable || (request.to === undefined && table === undefined)) {
      if (request.table === undefined) continue;
      throw cannotCompare(name, missing, published, table);
    }
    diffs.push(
      await diffTable(directory, parts.get(pathSegment(name))!, name, table, from, request.to),
    );
  }
  return diffs;
}

async function diffTable(
  directory: string,
  lock: Lock,
  name: string,
  table: EventTable | undefined,
  from: number,
  to: number | undefined,
): Promise<TableDiff> {
  refusePublished(await findEdited(directory, lock));
  const older = await readPublished(directory, name, from);
  const newer = to === undefined ? shapeOfModel(table!) : await readPublished(directory, name, to);
  const steps = table === undefined ? [] : stepsBehind(table, from, to);
  const changes = compareShapes(older, newer, steps);
  return { table: name, from, to, compatibility: compatibilityOf(changes), changes };
}

function cannotCompare(
  name: string,
  missing: number | undefined,
  published: readonly number[],
  table: EventTable | undefined,
): EdpError {
  const shown = JSON.stringify(name);
  if (missing !== undefined) {
    const list = published.length === 0 ? 'none' : published.map((one) => `v${one}`).join(', ');
    return new EdpError('usage', `version ${missing} of ${shown} is not published`, {
      hint: `published are: ${list}`,
    });
  }
  if (table === undefined) {
    return new EdpError('usage', `edp.yaml declares no table ${shown} with schemas`, {
      hint: 'name both versions to compare published ones: --from v1 --to v2',
    });
  }
  return new EdpError('usage', `no version of ${shown} is published`, {
    hint: `publish the first one: edp schema publish ${name}`,
  });
}
