/** What identifies a load, before it has a number: a content and the table it goes into, whatever the file is called. */
import { quoteIdentifier } from '../model/ddl.js';
import type { TablePlace } from '../model/table-name.js';

export interface LoadKey {
  readonly place: TablePlace;
  readonly contentHash: string;
}

export function loadKey({ place, contentHash }: LoadKey): string {
  return `${quoteIdentifier(place.schema)}.${quoteIdentifier(place.name)} ${contentHash}`;
}

export function lockName(key: LoadKey): string {
  return `edp load ${loadKey(key)}`;
}

/** SQL of the same name, for a row of edp.loads. */
export const LOCK_NAME_SQL = `'edp load "' || replace(schema_name, '"', '""') || '"."'
  || replace(table_name, '"', '""') || '" ' || content_hash`;

/** Of a row of edp.loads. */
export function keyOfRow(row: {
  readonly schema_name: string;
  readonly table_name: string;
  readonly content_hash: string;
}): LoadKey {
  return {
    place: { schema: row.schema_name, name: row.table_name },
    contentHash: row.content_hash,
  };
}
