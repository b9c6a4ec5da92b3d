/** What the catalog says about the columns of a table. */
import type pg from 'pg';

export interface CatalogColumn {
  readonly name: string;
  /** As `format_type()` prints it. */
  readonly type: string;
  /** Whether a row needs a value that the server does not supply. */
  readonly isRequired: boolean;
  /** `a` for GENERATED ALWAYS AS IDENTITY, `d` for BY DEFAULT, else empty. */
  readonly identity: '' | 'a' | 'd';
  /** Whether the server computes it from others of its row. */
  readonly isGenerated: boolean;
}

export async function listColumns(client: pg.Client, oid: number): Promise<CatalogColumn[]> {
  const { rows } = await client.query<CatalogColumn>(
    `SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type,
            attnotnull AND NOT atthasdef AND attidentity = '' AS "isRequired",
            attidentity AS identity, attgenerated <> '' AS "isGenerated"
     FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped`,
    [oid],
  );
  return rows;
}
