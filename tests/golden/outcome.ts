/** What is in the database after the commands of a case. */
import { pipeline } from 'node:stream/promises';
import { to as copyTo } from 'pg-copy-streams';
import { withClient } from '../../src/postgres/connection.js';
import type { CliResult } from '../support/cli.js';
import type { TestDatabase } from '../support/database.js';
import { parseResult } from '../support/json.js';

/** The rejects of all loads, as `edp rejects <load> --json` gives them. */
export async function readRejects(
  database: TestDatabase,
  run: (...args: string[]) => Promise<CliResult>,
): Promise<unknown[]> {
  if (!(await hasTable(database, 'edp.rejects'))) return [];
  const loads = await database.query('SELECT DISTINCT load_id FROM edp.rejects ORDER BY 1');
  const rejects: unknown[] = [];
  for (const [load] of loads) {
    const { stdout } = await run('rejects', String(load), '--json');
    rejects.push(...parseResult<'rejects'>(stdout).rejects);
  }
  return rejects;
}

/** Of whose rows a case also has a file: dimension members that were inferred. */
const INFERRED_MEMBERS = 'edp.inferred_members';

/**
 * The rows of each table, by its name: a CSV in which an empty field is NULL and `""` the empty string, in the
 * order of the first column.
 */
export async function readRows(database: TestDatabase): Promise<[string, string][]> {
  const tables = (await database.query(
    `SELECT relname, oid::regclass::text FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`,
  )) as [string, string][];
  const rows: [string, string][] = [];
  for (const [name, table] of tables) rows.push([name, await readTable(database, table)]);
  if (await hasTable(database, INFERRED_MEMBERS)) {
    const query = `SELECT table_name, member, arrived_at IS NOT NULL AS has_arrived
      FROM ${INFERRED_MEMBERS} ORDER BY 1, 2`;
    const members = await copyOut(database, query);
    if (members.includes('\n', members.indexOf('\n') + 1)) rows.push([INFERRED_MEMBERS, members]);
  }
  return rows;
}

async function readTable(database: TestDatabase, table: string): Promise<string> {
  const [[first, type]] = (await database.query(
    `SELECT quote_ident(attname), atttypid::regtype::text FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum LIMIT 1`,
    [table],
  )) as [[string, string]];
  const order = `${type === 'json' ? '' : `t.${first}, `}t::text COLLATE "C"`;
  return copyOut(database, `SELECT * FROM ${table} AS t ORDER BY ${order}`);
}

async function hasTable(database: TestDatabase, name: string): Promise<boolean> {
  const [[oid]] = (await database.query('SELECT to_regclass($1)::text', [name])) as [[unknown]];
  return oid !== null;
}

function copyOut(database: TestDatabase, query: string): Promise<string> {
  return withClient(database.config, 'test', async (client) => {
    let text = '';
    const rows = client.query(copyTo(`COPY (${query}) TO STDOUT (FORMAT csv, HEADER)`));
    await pipeline(rows.setEncoding('utf8'), async (chunks) => {
      for await (const chunk of chunks as AsyncIterable<string>) text += chunk;
    });
    return text;
  });
}
