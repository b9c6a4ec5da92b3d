/** A table's model as a hash: models that load alike have equal hashes, from any file. */
import { createHash } from 'node:crypto';
import type { Table } from './model.js';

/** Of tables that many files are loaded into. */
const known = new WeakMap<Table, string>();

/** Notes are for people, where rows are put changes nothing in them, and the rest is for change events. */
const NOT_OF_LOADS: readonly (keyof Table)[] = [
  'notes',
  'partitions',
  'version',
  'softDelete',
  'timestamps',
  'hasHistory',
  'migrations',
];

function withoutNotes(table: Table): object {
  const ofLoads = Object.entries(table).filter(
    ([name]) => !(NOT_OF_LOADS as readonly string[]).includes(name),
  );
  return {
    ...Object.fromEntries(ofLoads),
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
