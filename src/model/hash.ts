/** A table's model as a hash: equal models have equal hashes, from any file. */
import { createHash } from 'node:crypto';
import type { Table } from './model.js';

/** Of tables that many files are loaded into. */
const known = new WeakMap<Table, string>();

export function hashTable(table: Table): string {
  const hash =
    known.get(table) ??
    createHash('sha256').update(JSON.stringify(table)).digest('hex').slice(0, 32);
  known.set(table, hash);
  return hash;
}
