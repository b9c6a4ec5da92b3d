/** `__proto__` as a name: never a column that vanishes. */
import { expect, it } from 'vitest';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

it.each([
  ['a column', 'tables:\n  t:\n    columns: { id: int, __proto__: text }\n', 3],
  ['a quoted column', 'tables:\n  t:\n    columns:\n      id: int\n      "__proto__": text\n', 5],
  [
    'a metric',
    'tables:\n  t:\n    columns: { id: int }\n    metrics: { from: m, columns: { __proto__: int } }\n',
    4,
  ],
  ['a table', 'tables:\n  t: { columns: { id: int } }\n  __proto__: { columns: { id: int } }\n', 3],
  ['the lineage', 'tables:\n  t:\n    columns: { id: int }\n    lineage: __proto__\n', 4],
  ['the extra column', 'tables:\n  t:\n    columns: { id: int }\n    extra: __proto__\n', 4],
])('%s of that name is a fault of edp.yaml', async (_, model, line) => {
  const cwd = await makeProject(model, { 't.csv': 'id,__proto__\n1,a\n' });
  const { status, json } = await run(cwd, 'ingest', 't.csv');
  expect(status).toBe(2);
  expect(json.error).toMatchObject({ code: 'config' });
  expect(json.error.message).toContain(`edp.yaml:${line}: `);
  expect(json.error.message).toContain('"__proto__" cannot be a name in edp');
});

it('--create gives the column of such a field another name, and loads it', async () => {
  const cwd = await makeProject(null, { 't.csv': 'id,__proto__\n1,a\n2,b\n' });
  const created = await run(cwd, 'ingest', 't.csv', '--create');
  expect(created.json, created.stderr).toMatchObject({ rows: { loaded: 2, rejected: 0 } });
  expect(await database.query('SELECT proto FROM t ORDER BY id')).toEqual([['a'], ['b']]);
  expect((await run(cwd, 'verify', '1')).json).toMatchObject({ ok: true });
  expect((await run(cwd, 'ingest', 't.csv')).json.files[0].status).toBe('skipped');
});

it.each([
  ['ingest', 't.csv', '--create'],
  ['ingest', 't.csv'],
])('%s %s %s --table __proto__ is refused', async (...args) => {
  const cwd = await makeProject(null, { 't.csv': 'id,v\n1,a\n' });
  const { status } = await run(cwd, ...args, '--table', '__proto__');
  expect(status).toBe(2);
});
