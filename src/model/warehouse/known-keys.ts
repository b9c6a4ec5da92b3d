/** Keys that objects in the warehouse's sections may have, and those that come with later versions. */
import { z } from 'zod';
import { WAREHOUSE_SECTIONS, warehouseShape } from './sections.js';

/** Key → what there is instead. They are refused, so that nobody takes them for done. */
const LATER_KEYS: ReadonlyMap<string, string> = new Map([
  ['surrogate', 'the column has the id of the source'],
  ['partition-by', 'facts and tables that edp loads have partitions'],
  ['privacy', 'see docs/security.md for rights'],
]);

/** Keys that people bring from other tools → what says the same here. */
const FOREIGN_KEYS: ReadonlyMap<string, string> = new Map([
  ['unique_key', 'key: names the columns that tell rows apart'],
  ['materialized', 'a model is a table; a view takes materialized: true or false'],
  ['config', 'its keys stand beside the others, without config:'],
  ['tests', 'checks: has the checks of each table'],
  ['data_tests', 'checks: has the checks of each table'],
  ['sources', 'tables: declares what files are loaded into; other tables need no declaration'],
  ['seeds', 'tables: declares what files are loaded into'],
  ['vars', '$' + '{NAME} in a value is a variable of the environment'],
  ['macros', 'SQL has no templates'],
  ['field', 'to: names table and column, such as silver.groups.group_id'],
  ['version', 'remove it'],
]);

/** @returns what to write instead of a key of another tool */
export function foreignKeyHint(key: string, path: readonly PropertyKey[]): string | undefined {
  const isElsewhere = key === 'field' && !path.includes('relationships');
  return isElsewhere ? undefined : FOREIGN_KEYS.get(key);
}

/** @returns why a key is refused that a later version will have */
export function laterKeyFault(key: string): string | undefined {
  const instead = LATER_KEYS.get(key);
  return instead && `"${key}" is not in this version of edp yet; remove it (${instead})`;
}

/** @returns the keys of the object at a path from the root; undefined outside of the warehouse */
export function warehouseKeys(path: readonly PropertyKey[]): string[] | undefined {
  const [first, ...rest] = path;
  const section = WAREHOUSE_SECTIONS.find((one) => one === first);
  return section === undefined ? undefined : keysAt(warehouseShape()[section], rest);
}

function keysAt(schema: unknown, path: readonly PropertyKey[]): string[] {
  if (schema instanceof z.ZodOptional) return keysAt(schema.unwrap(), path);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((one) => keysAt(one, path));
  const [first, ...rest] = path;
  if (schema instanceof z.ZodRecord)
    return first === undefined ? [] : keysAt(schema.valueType, rest);
  if (schema instanceof z.ZodArray) return first === undefined ? [] : keysAt(schema.element, rest);
  if (!(schema instanceof z.ZodObject)) return [];
  return first === undefined
    ? Object.keys(schema.shape)
    : keysAt(schema.shape[String(first)], rest);
}
