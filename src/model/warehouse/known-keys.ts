/** Keys that objects in the warehouse's sections may have, and those that come with later versions. */
import { z } from 'zod';
import { WAREHOUSE_SECTIONS, warehouseShape } from './sections.js';

/** Key → what there is instead. They are refused, so that nobody takes them for done. */
const LATER_KEYS: ReadonlyMap<string, string> = new Map([
  ['surrogate', 'the column has the id of the source'],
  ['partition-by', 'the table has no partitions'],
  ['partition-range', 'the table has no partitions'],
  ['key-guard', 'the table has no partitions'],
  ['versions', 'a table without a key keeps each record'],
  ['snapshot', 'what a later load lacks stays in the table'],
  ['copy-of', 'views can join the names'],
  ['privacy', 'see docs/security.md for rights'],
]);

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
