/** The role for edp realize of docs/security.md: what it can do with no more than these rights. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { edp as run } from '../support/cli.js';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';

const ROLE = `edp_realizer_${randomBytes(4).toString('hex')}`;
const MODEL = 'tables: { t: { key: id, history: true, columns: { id: int, v: text } } }';
const event = (sequence: number, op: 'create' | 'update', after: object) =>
  cloudEvent({ table: 't', op, sequence, key: { id: 1 }, after: { ...after } });
const folder = useWarehouseFolder({
  'edp.yaml': MODEL,
  '1.jsonl': toLines([event(1, 'create', { id: 1, v: 'a' })]),
  '2.jsonl': toLines([event(2, 'update', { v: 'b' }), event(3, 'update', { w: 1 })]),
});
const grant = (what: string) => folder.database.query(`GRANT ${what} TO ${ROLE}`);
const asRole = (...args: string[]) =>
  run([...args, '--json'], {
    cwd: folder.directory,
    env: { DATABASE_URL: folder.database.url.replace('user=edp', `user=${ROLE}`) },
  });
const values = () => folder.database.query('SELECT v FROM t_history ORDER BY valid_from');

beforeAll(async () => {
  await folder.edp('realize', '1.jsonl');
  await folder.database.query(`CREATE ROLE ${ROLE} LOGIN`);
  await grant('USAGE ON SCHEMA public, edp');
  await grant('SELECT ON edp.migrations, edp.promotions, edp.inferred_members');
  await grant('SELECT, INSERT, UPDATE ON edp.loads, edp.runs');
  await grant('SELECT, INSERT ON edp.receipts, edp.rejects, edp.changes');
});
afterAll(async () => {
  await folder.database.query(`DROP OWNED BY ${ROLE}`);
  await folder.database.query(`DROP ROLE ${ROLE}`);
});

it('folds with rights on the log, the realized tables and two tables of the ledger', async () => {
  for (const [table, what] of [
    ['realized', 'SELECT, INSERT, UPDATE, DELETE ON edp.realized, edp.unfolded_keys'],
    ['change_events', 'SELECT, INSERT ON change_events'],
  ] as const) {
    const { status, stderr } = await asRole('realize', '2.jsonl');
    expect([status, stderr]).toEqual([1, expect.stringContaining(table)]);
    await grant(what);
  }
  const kept = await asRole('realize', '2.jsonl');
  expect([kept.status, kept.json], kept.stderr).toMatchObject([
    1,
    {
      rows: { loaded: 1, rejected: 1 },
      tables: [{ table: 't', reason: expect.stringContaining('permission') }],
    },
  ]);
  await grant('SELECT, INSERT, UPDATE, DELETE ON t, t_history');
  const { status, stderr } = await asRole('realize');
  expect(status, stderr).toBe(0);
  expect(await values()).toEqual([['a'], ['b']]);
});

it('adds no column to what it does not own, and says who can', async () => {
  await folder.write('edp.yaml', MODEL.replace('v: text', 'v: text, w: int'));
  const { status, json, stderr } = await asRole('realize');
  expect([status, json], stderr).toMatchObject([
    1,
    { tables: [{ table: 't', reason: expect.stringContaining('let the owner of the table') }] },
  ]);
});

it('lifts events and undoes loads with UPDATE and DELETE on the log', async () => {
  await folder.write('edp.yaml', MODEL.replace('key:', 'version: 2, key:'));
  await folder.edp('realize');
  await grant('UPDATE, DELETE ON change_events');
  await grant('DELETE ON edp.receipts, edp.rejects, edp.inferred_members');
  await grant('UPDATE ON edp.inferred_members');
  const { status, stderr } = await asRole('undo', '2', '--yes');
  expect(status, stderr).toBe(0);
  expect(await values()).toEqual([['a']]);
});
