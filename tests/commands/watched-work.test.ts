/** Which commands are watched: each one is decided here, and the docs say the same. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ACTIONS } from '../../src/commands/capture.help.js';
import { COMMANDS, nameOf } from '../../src/commands/command-list.js';
import { isWatchedWork, WATCHED_WORK } from '../../src/observe/watched-work.js';
import { edp, makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { startReceiver } from '../support/receiver.js';

const database = useTestDatabase('empty');

/** They look at something, make files, or prepare others. */
const UNWATCHED = [
  ...['codegen', 'completion', 'db', 'diff', 'doctor', 'generate-data', 'generate-report', 'init'],
  ...['inspect', 'lineage', 'model', 'notify', 'rejects', 'sample', 'schema', 'status', 'test'],
  'verify',
];

it('each command is decided', () => {
  const names = COMMANDS.map(nameOf).sort();
  expect([...Object.keys(WATCHED_WORK), ...UNWATCHED].sort()).toEqual(names);
  for (const name of UNWATCHED) expect(isWatchedWork(name, {}), name).toBe(false);
  expect(isWatchedWork('ingest', {})).toBe(true);
  expect(ACTIONS.filter((action) => isWatchedWork('capture', { action }))).toEqual([
    'snapshot',
    'run',
  ]);
  expect(isWatchedWork('constructor', {})).toBe(false);
});

it('the docs name those that are watched', async () => {
  const page = await readFile(new URL('../../docs/monitoring.md', import.meta.url), 'utf8');
  const [, list = ''] = /^Commands that change or judge tables send notices: ([^.]*)\./m.exec(
    page,
  )!;
  const named = [...list.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
  const watched = Object.entries(WATCHED_WORK).flatMap(([name, actions]) =>
    actions === 'all' ? [name] : actions.map((action) => `${name} ${action}`),
  );
  expect(named.sort()).toEqual(watched.sort());
});

const METRICS = 'metrics: textfile:edp.prom\n';
const NOBODY = 'postgresql://nobody@127.0.0.1:1/nowhere';

it.each<[args: string[], notices: number, hasNumbers: boolean]>([
  [['capture', 'run', '--to', 'events', '--once'], 1, true],
  [['capture', 'status'], 0, false],
  [['generate-report', 'load_history'], 1, false],
  [['verify', '1'], 1, false],
  [['doctor'], 0, false],
  [['ingest', 'items.csv'], 1, true],
  [['run'], 1, true],
])('edp %j fails: notices %j, numbers of edp.yaml: %j', async (args, notices, hasNumbers) => {
  const receiver = await startReceiver();
  const cwd = await makeDirectory();
  await writeFile(
    path.join(cwd, 'edp.yaml'),
    `tables:\n  items: { columns: { id: int }, key: id }\ncapture: { source: { name: shop, database-url: "${NOBODY}" }, tables: { items: {} } }\nsilver: { plain: { from: items, key: id, columns: { id: id } } }\nnotify: [{ webhook: "${receiver.url}", format: json }]\n${METRICS}`,
  );
  await writeFile(path.join(cwd, 'items.csv'), 'id\n1\n');
  await writeFile(path.join(cwd, 'edp.prom'), 'of the load before\n');
  const { status, stderr } = await edp(args, { cwd, env: { DATABASE_URL: NOBODY } });
  expect([1, 2], stderr).toContain(status);
  const kept = (await readFile(path.join(cwd, 'edp.prom'), 'utf8')) === 'of the load before\n';
  expect([receiver.received.length, !kept], stderr).toEqual([notices, hasNumbers]);
});

it('a command that stays can be scraped', async () => {
  const cwd = await makeDirectory();
  const args = ['capture', 'run', '--to', 'events', '--metrics', 'prometheus://127.0.0.1:0'];
  const { stderr } = await edp(args, { cwd, env: { DATABASE_URL: NOBODY } });
  expect(stderr).toContain('has no section capture:');
  expect(stderr).not.toContain('before Prometheus comes');
});

it('--metrics in the call counts for each command', async () => {
  const cwd = await makeDirectory();
  const { status } = await edp(['status', '--metrics', 'textfile:now.prom'], {
    cwd,
    env: { DATABASE_URL: database.url, EDP_METRICS: 'textfile:other.prom' },
  });
  expect(status).toBe(0);
  expect(await readFile(path.join(cwd, 'now.prom'), 'utf8')).toContain('edp_run_seconds');
  await expect(readFile(path.join(cwd, 'other.prom'))).rejects.toThrow(/ENOENT/);
});
