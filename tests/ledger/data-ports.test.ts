/** Each place with data has its port, and docs/ledger.md describes each table of the ledger. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { DataPort } from '../../src/ledger/data-port.js';
import { LEDGER_PORTS, OTHER_PORTS } from '../../src/ledger/data-ports.js';
import { findInRejects } from '../../src/ledger/find-in-rejects.js';
import { withClient } from '../../src/postgres/connection.js';
import { useTestDatabase } from '../support/database.js';
import { makeProject, runnerFor } from '../support/scratch.js';

const database = useTestDatabase('empty');
const run = runnerFor(database);

const TABLES_SQL = `SELECT 'edp.' || relname FROM pg_class
  WHERE relnamespace = 'edp'::regnamespace AND relkind IN ('r', 'p', 'm', 'v', 'f') ORDER BY 1`;

it('finds a subject where rejects have it as a whole word', async () => {
  const cwd = await makeProject('tables: { people: { columns: { id: int, name: text } } }\n', {
    'people-1.csv': 'id,name\n1,Ann\nx77,ann\n77x,b\nx,77\n"y ""z""",Zoë\n',
    'people-2.csv': Buffer.concat([
      Buffer.from('id,name\nq,Zo'),
      Buffer.from([0xeb]),
      Buffer.from('\nr,770\n'),
    ]),
  });
  await run(cwd, 'ingest', 'people-1.csv', 'people-2.csv');
  const find = (id: string, ...values: string[]) =>
    withClient(database.config, 'test', async (client) =>
      (await findInRejects(client, { id, values })).map(({ place }) => place),
    );
  expect(await find('77')).toEqual(['people-1.csv:5']);
  expect(await find('x77')).toEqual(['people-1.csv:3']);
  expect(await find('y "z"')).toEqual(['people-1.csv:6']);
  expect(await find('nobody', 'Zoë')).toEqual(['people-1.csv:6', 'people-2.csv:2']);
  expect(await find('nobody', 'ann', '')).toEqual(['people-1.csv:3']);
  expect(await find('Ann')).toEqual([]);
});

it('finds a subject among the keys that changed', async () => {
  await run(await makeProject('tables: { people: { columns: { id: int } } }\n', {}), 'status');
  await database.query(`INSERT INTO edp.changes (relation, kind, load_id, rows, keys) VALUES
    ('gold.people_dim', 'inserted', NULL, 1, '{"versions": ["[\\"77\\", \\"2024-01-01\\", null]"]}'),
    ('silver.people', 'updated', 5, 1, '{"[\\"id\\"]": ["[\\"78\\"]", "[\\"770\\"]"], "[\\"x\\"]": null}')`);
  const { find } = LEDGER_PORTS.find(({ data }) => data === 'edp.changes')!;
  if (typeof find !== 'function') throw new TypeError('edp.changes has no find');
  const found = (id: string) =>
    withClient(database.config, 'test', async (client) =>
      (await find(client, { id })).map(({ place, loadId }) => [place.split(',')[0], loadId]),
    );
  expect(await found('77')).toEqual([['gold.people_dim', undefined]]);
  expect(await found('78')).toEqual([['silver.people', 5]]);
  expect(await found('7')).toEqual([]);
});

it('finds and erases a subject in kept results of reports', async () => {
  const cwd = await makeProject('tables: { people: { columns: { id: int, name: text } } }\n', {
    'people-1.csv': 'id,name\n1,Ann (77)\n2,770\n3,a.b\n',
  });
  await run(cwd, 'ingest', 'people-1.csv');
  await mkdir(`${cwd}/sql/reports`, { recursive: true });
  await writeFile(
    `${cwd}/sql/reports/names.sql`,
    '-- title: t\nSELECT id, name FROM people WHERE name IS NOT NULL ORDER BY 1',
  );
  const port = LEDGER_PORTS.find(({ data }) => data === 'edp.report_cache_parts')!;
  const { find, erase } = port;
  if (typeof find !== 'function' || typeof erase !== 'function') throw new TypeError('no port');
  // Another test file may change something meanwhile, so that the result is not kept.
  for (let tries = 0; tries < 20; tries++) {
    await run(cwd, 'generate-report', 'names');
    if ((await database.query('SELECT FROM edp.report_cache')).length > 0) break;
  }
  await withClient(database.config, 'test', async (client) => {
    const found = async (...[id, ...values]: [string, ...string[]]) =>
      (await find(client, { id, values })).map(({ place }) => place.split(',')[0]);
    expect(await found('77')).toEqual(['names']);
    expect(await found('7')).toEqual([]);
    expect(await found('nobody', 'a.b')).toEqual(['names']);
    expect(await found('nobody', 'a_b', 'b.c', '')).toEqual([]);
    expect(await erase(client, { id: '77' })).toBeGreaterThan(0);
    expect(await found('77')).toEqual([]);
  });
});

it('each table of schema edp has a port, and each port a table', async () => {
  const tables = (await database.query(TABLES_SQL)).map(([name]) => name);
  expect(LEDGER_PORTS.map(({ data }) => data).sort()).toEqual(tables);
});

it('each port answers, or says why not', async () => {
  for (const port of [...LEDGER_PORTS, ...OTHER_PORTS]) {
    for (const answer of [port.find, port.erase, port.dates] satisfies DataPort[keyof DataPort][]) {
      if (typeof answer === 'function') continue;
      expect(Object.values(answer).join(), port.data).toMatch(/\w{3}/);
    }
    if (!port.data.startsWith('edp.')) continue;
    const dates = typeof port.dates === 'function' ? port.dates() : null;
    if (dates !== null)
      await database.query(`SELECT (${dates})::timestamptz FROM ${port.data} LIMIT 1`);
    if (typeof port.find === 'function') {
      const { find } = port;
      const found = await withClient(database.config, 'test', (client) =>
        find(client, { id: 'no such' }),
      );
      expect(found, port.data).toEqual([]);
    }
  }
});

it('docs/ledger.md has exactly the tables and columns of the ledger', async () => {
  const text = await readFile(new URL('../../docs/ledger.md', import.meta.url), 'utf8');
  const documented = text
    .split(/^## /m)
    .filter((section) => section.startsWith('edp.'))
    .flatMap((section) => {
      const table = section.slice(0, section.indexOf('\n'));
      return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, column]) => `${table}.${column}`);
    });
  const rows = await database.query(
    `SELECT format('%s.%s.%s', table_schema, table_name, column_name) FROM information_schema.columns
     WHERE table_schema = 'edp'`,
  );
  expect(documented.sort()).toEqual(rows.map(([name]) => name as string).sort());
  const tables = (await database.query(TABLES_SQL)).map(([name]) => name as string);
  const listed = [...text.matchAll(/^\| `(edp\.\w+)` \|/gm)].map(([, name]) => name!);
  expect(listed.sort()).toEqual(tables);
  const picture = /```mermaid\n([^`]+)```/.exec(text)![1]!;
  for (const table of tables) expect(picture).toMatch(new RegExp(`\\b${table.slice(4)}\\b`));
});
