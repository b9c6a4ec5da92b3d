/** How the server compares the texts of a table, where not byte by byte. */
import type pg from 'pg';
import type { LoadSummary } from '../../ledger/ledger-queries.js';
import { REPLACING } from '../../model/load-rules.js';

/** Letters that citext takes for equal to their capitals. */
export type FoldedLetters = 'ascii' | 'all';

/** citext lowers letters by the locale of the database, whatever collation the column has. */
export async function readFoldedLetters(client: pg.Client): Promise<FoldedLetters> {
  // Which column has the locale depends on the version and on the provider.
  const { rows } = await client.query<{ isAscii: boolean }>(
    `SELECT coalesce(d ->> 'datlocale', d ->> 'daticulocale', d ->> 'datctype') IN ('C', 'POSIX') AS "isAscii"
     FROM (SELECT to_jsonb(b) AS d FROM pg_database b WHERE datname = current_database()) AS own`,
  );
  return rows[0]?.isAscii === true ? 'ascii' : 'all';
}

/** Capitals → small letters, one by one as the server does: JavaScript looks at the end of a word. */
export function foldLetters(text: string, letters: FoldedLetters): string {
  if (letters === 'ascii') return text.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
  return Array.from(text, (letter) => letter.toLowerCase()).join('');
}

/**
 * Columns with a nondeterministic collation, by which only the server knows what texts are equal.
 * That matters where one row may be that of several records: a load without duplicates, which
 * replaced nothing, left each text as it stands in the file.
 */
export async function listLooseColumns(
  client: pg.Client,
  oid: number,
  load: LoadSummary,
  isSameContent: boolean,
): Promise<string[]> {
  const { rows } = await client.query<{ name: string; mayRepeat: boolean }>(
    `SELECT a.attname::text AS name,
            EXISTS (SELECT FROM edp.receipts WHERE load_id = $2
                    AND (rows_duplicate > 0 OR on_conflict = ANY ($3))) AS "mayRepeat"
     FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
     WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND NOT c.collisdeterministic`,
    [oid, load.loadId, REPLACING],
  );
  const isExact = isSameContent && load.state === 'loaded';
  return rows.filter(({ mayRepeat }) => mayRepeat || !isExact).map(({ name }) => name);
}
