/** A table's model as a hash: the same model, the same hash, whatever file it was read from. */
import { createHash } from 'node:crypto';
import type { Table } from './model.js';

export function hashTable(table: Table): string {
  return createHash('sha256').update(JSON.stringify(table)).digest('hex').slice(0, 32);
}
