/** Indexes that are missing, or that are there in name alone. */
import type { Served } from './context.js';
import { type Check, sql } from './finding.js';

const invalid: Check<Served> = {
  name: 'invalid-indexes',
  severities: ['warning'],
  looksAt: 'indexes that were not built to their end (of the whole database)',
  why: 'no query uses them, and each row that is loaded pays for them; a unique one may not keep rows apart',
  mends: '`REINDEX`, or `DROP INDEX` for what CREATE INDEX CONCURRENTLY left',
  async look({ client }) {
    const { rows } = await client.query<{
      name: string;
      table: string;
      unique: boolean;
      left: boolean;
    }>(
      `SELECT i.indexrelid::regclass::text AS name, i.indrelid::regclass::text AS table, i.indisunique AS unique,
         c.relname ~ '_ccnew\\d*$|_ccold\\d*$' AS left
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
       WHERE NOT i.indisvalid AND c.relkind = 'i'
         AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
       ORDER BY 1`,
    );
    return rows.map(({ name, table, unique, left }) => ({
      severity: 'warning',
      problem: `index ${name} of table ${table} is not valid${unique ? ': it was to be unique, and rows may be alike' : ''}`,
      mend: [
        sql(
          unique || left
            ? `DROP INDEX CONCURRENTLY ${name};`
            : `REINDEX INDEX CONCURRENTLY ${name};`,
          'the owner of the table',
        ),
      ],
    }));
  },
};

/** $1: the tables. An index serves if it begins with the columns of the key, in any order. */
const WITHOUT_INDEX = `SELECT c.conrelid::regclass::text AS name, c.confrelid::regclass::text AS target,
    (SELECT string_agg(quote_ident(attname), ', ' ORDER BY n.place)
     FROM unnest(c.conkey) WITH ORDINALITY AS n (number, place)
     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = n.number) AS columns,
    (SELECT relkind = 'p' FROM pg_class WHERE oid = c.conrelid) AS parted
  FROM pg_constraint c
  WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid = ANY ($1::oid[])
    AND NOT EXISTS (
      SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indisvalid AND i.indpred IS NULL
        AND (i.indkey::int2[])[0:array_length(c.conkey, 1) - 1] @> c.conkey)
  ORDER BY 1, 3`;

const foreignKeys: Check<Served> = {
  name: 'foreign-key-index',
  severities: ['note'],
  looksAt: 'foreign keys without an index on the side that refers',
  why: 'whenever a row that may be referred to goes or gets another key (edp undo of a dimension), the server reads the whole table',
  mends: '`CREATE INDEX`, or `indexes:` in edp.yaml',
  async look({ client, tables }) {
    const { rows } = await client.query<{
      name: string;
      target: string;
      columns: string;
      parted: boolean;
    }>(WITHOUT_INDEX, [tables.map(({ oid }) => oid)]);
    return rows.map(({ name, target, columns, parted }) => ({
      severity: 'note',
      problem: `table ${name} refers to ${target} by (${columns}), and has no index on it`,
      mend: [
        sql(
          `CREATE INDEX ${parted ? '' : 'CONCURRENTLY '}ON ${name} (${columns});`,
          'the owner of the table',
        ),
      ],
    }));
  },
};

export const INDEX_CHECKS: readonly Check<Served>[] = [invalid, foreignKeys];
