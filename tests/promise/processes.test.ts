/** The promise, with the commands themselves: loads, undone loads, replays, and runs that are killed. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../src/postgres/connection.js';
import { loadWarehouse } from '../../src/project/load-warehouse.js';
import { Random } from '../faults/random.js';
import { edp, makeDirectory, startEdp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { BRONZE, type BronzeName, makeRow, type Row } from './bronze.js';
import { readContent } from './dump.js';
import { judge } from './judge.js';
import { Bronze } from './place.js';
import { filesOf, makeProject, type Project } from './project.js';
import { run } from './runs.js';

const database = useTestDatabase('empty');
let client: pg.Client;
beforeAll(async () => {
  client = await connect(database.config, 'test');
});
afterAll(() => client.end());

const random = new Random(7);

function csvOf(
  table: BronzeName,
  rows: readonly Row[],
  more: Readonly<Record<string, string>> = {},
): string {
  const names = Object.keys(BRONZE[table].columns);
  const quoted = (value: string | null | undefined) =>
    value === null || value === undefined ? '' : `"${value.replaceAll('"', '""')}"`;
  const lines = rows.map((row) =>
    [...names.map((name) => quoted(row[name])), ...Object.values(more)].join(','),
  );
  return `${[[...names, ...Object.keys(more)].join(','), ...lines].join('\n')}\n`;
}

const rowsOf = (table: BronzeName, count: number) =>
  Array.from({ length: count }, () => makeRow(random, table));

/** edp.yaml with a column that keeps what is not declared. */
async function makeDirectoryOf(project: Project): Promise<string> {
  const cwd = await makeDirectory();
  for (const [name, text] of Object.entries(filesOf(project))) {
    const declared = name === 'edp.yaml' ? JSON.parse(text) : undefined;
    if (declared !== undefined) {
      declared.tables.events.metrics = {
        from: 'meta',
        columns: { weight: 'double' },
        extra: 'more',
      };
    }
    await mkdir(path.dirname(path.join(cwd, name)), { recursive: true });
    await writeFile(
      path.join(cwd, name),
      declared === undefined ? text : JSON.stringify(declared, undefined, 1),
    );
  }
  return cwd;
}

it('holds for the commands', { timeout: 300_000 }, async () => {
  const project = makeProject(random, 1);
  const cwd = await makeDirectoryOf(project);
  const command = (...args: string[]) => edp([...args, '--database-url', database.url], { cwd });
  const load = async (table: BronzeName, name: string, text: string, ...options: string[]) => {
    await writeFile(path.join(cwd, name), text);
    const { status, stderr } = await command('ingest', name, '--table', table, ...options);
    expect([0, 3], stderr).toContain(status);
  };
  const holds = async () => {
    const { warehouse } = await loadWarehouse(cwd);
    const place = { config: database.config, client, bronze: new Bronze(client) };
    expect((await judge(place, warehouse, project)).problems).toEqual([]);
    const again = await run(database.config, warehouse);
    const changed = again.filter(
      ({ state, reason }) => state !== 'unchanged' && !/does not load/.test(reason ?? ''),
    );
    expect(changed).toEqual([]);
  };

  await load('plans', 'p1.csv', csvOf('plans', rowsOf('plans', 8)));
  await load('members', 'm1.csv', csvOf('members', rowsOf('members', 6)));
  await load('rsvps', 'r1.csv', csvOf('rsvps', rowsOf('rsvps', 10)));
  await load(
    'events',
    'e1.csv',
    csvOf('events', rowsOf('events', 12), { meta: '"{""weight"": 1.5, ""color"": ""red""}"' }),
  );
  await load('people', 's1.csv', csvOf('people', rowsOf('people', 8)));
  expect(await command('run')).toMatchObject({ status: 0 });
  await holds();

  await load(
    'members',
    'm2.csv',
    csvOf('members', rowsOf('members', 6)),
    '--on-conflict',
    'update',
  );
  await load('rsvps', 'r2.csv', csvOf('rsvps', rowsOf('rsvps', 8)));
  await load('people', 's2.csv', csvOf('people', rowsOf('people', 2)));
  const both = await Promise.all([command('run'), command('run')]);
  expect(both.map(({ status }) => status)).toEqual([0, 0]);
  await holds();

  // Rejects of the second file of rsvps, whose keys were there.
  expect(await command('replay', '7', '--on-conflict', 'update')).toMatchObject({ status: 0 });
  await load('events', 'e2.csv', csvOf('events', rowsOf('events', 10)));
  const { warehouse } = await loadWarehouse(cwd);
  const before = await readContent(client, warehouse);
  const seen = [];
  for (const delay of [350, 450, 600]) {
    const child = startEdp(['run', '--database-url', database.url], { cwd });
    await sleep(delay + random.below(200));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    seen.push(await readContent(client, warehouse));
  }
  expect(await command('run')).toMatchObject({ status: 0 });
  const after = await readContent(client, warehouse);
  for (const content of seen) {
    for (const task of warehouse.tasks) {
      // A view shows what its sources have.
      if (task.kind === 'view') continue;
      expect([before.get(task.name), after.get(task.name)], task.name).toContainEqual(
        content.get(task.name),
      );
    }
  }
  await holds();

  for (const load of ['2', '8']) {
    expect(await command('undo', load, '--yes')).toMatchObject({ status: 0 });
  }
  expect(await command('promote', 'color', '--table', 'events')).toMatchObject({ status: 0 });
  expect(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')).toContain('color');
  expect(await command('run')).toMatchObject({ status: 0 });
  await holds();

  await load('events', 'e3.csv', csvOf('events', rowsOf('events', 5)), '--replace');
  expect(await command('run')).toMatchObject({ status: 0 });
  await holds();
});
