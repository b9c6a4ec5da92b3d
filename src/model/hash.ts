/** A table's model as a hash: models that load alike have equal hashes, from any file. */
import { createHash } from 'node:crypto';
import type { Table } from './model.js';

/** Of tables that many files are loaded into. */
const known = new WeakMap<Table, string>();

/** Notes are for people, and where rows are put changes nothing in them. */
function withoutNotes(table: Table): Table {
  const { notes: _, partitions: __, ...rest } = table;
  return {
    ...rest,
    columns: table.columns.map(({ notes: _, ...column }) => column),
    sources: table.sources.map((source) => ({
      ...source,
      metrics: source.metrics.map(({ notes: _, ...metric }) => metric),
    })),
  };
}

export function hashTable(table: Table): string {
  const hash =
    known.get(table) ??
    createHash('sha256')
      .update(JSON.stringify(withoutNotes(table)))
      .digest('hex')
      .slice(0, 32);
  known.set(table, hash);
  return hash;
}
