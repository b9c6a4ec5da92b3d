/** What is wrong with the value of an edp.yaml that is not written yet. */
import { findModelFaults, tablesSchema, toModel } from '../model/schema.js';
import { resolveWarehouse } from '../model/warehouse/resolve-warehouse.js';
import type { WarehouseFault } from '../model/warehouse/resolving.js';
import { soundSections } from '../model/warehouse/sound-sections.js';
import type { SqlReader } from '../model/warehouse/sql-reader.js';
import { projectSchema } from './parse.js';

/**
 * @param value of edp.yaml, with `tables:`
 * @param texts file of SQL → its text
 * @returns faults of its form, else of its tables, else of what its parts mean to each other
 */
export function findProjectFaults(
  value: Readonly<Record<string, unknown>>,
  texts: ReadonlyMap<string, string>,
  sql: SqlReader,
): readonly WarehouseFault[] {
  const parsed = projectSchema().safeParse(value);
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => ({ path: path.map(asPart), message }));
  }
  const tables = tablesSchema.parse(value.tables ?? {});
  const faults = findModelFaults(tables);
  if (faults.length > 0)
    return faults.map(({ path, message }) => ({ path: ['tables', ...path], message }));
  const declarations = { ...soundSections(value), model: toModel(tables), isUnsure: () => false };
  return resolveWarehouse(declarations, sql, texts).faults;
}

function asPart(part: PropertyKey): string | number {
  return typeof part === 'number' ? part : String(part);
}
