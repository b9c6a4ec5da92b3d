/** The least rights that docs/capture.md lists. */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readMisfits } from '../../src/capture/misfits.js';
import { findPlan } from '../../src/capture/resolve-plan.js';
import { readStatus } from '../../src/capture/status.js';
import { removeConsumer } from '../../src/capture/uninstall.js';
import { connect, withClient } from '../../src/postgres/connection.js';
import { useTestDatabase } from '../support/database.js';
import { declare, installIn, snapshotOf, takeEvents, uninstallFrom } from './source.js';

const source = useTestDatabase('empty');
const [owner, runner, writer] = ['owner', 'runner', 'writer'].map(
  (name) => `${name}_${randomBytes(4).toString('hex')}`,
);

const TEXT = `
tables:
  notes: { key: id, columns: { id: int, text: text, size: int } }
capture:
  tables:
    notes: { columns: { size: { calculation: "length(text)" } } }
`;

const DOCS = readFileSync(new URL('../../docs/capture.md', import.meta.url), 'utf8');

/** The statements of docs/capture.md that are for one role. */
function grants(role: 'runner' | 'reader' | 'application'): string {
  const found = [...DOCS.matchAll(/```sql\n(GRANT[\s\S]*?)```/g)]
    .flatMap(([, text]) => text!.split('\n'))
    .filter((line) => new RegExp(` TO ${role};`).test(line));
  if (found.length === 0) throw new Error(`docs/capture.md grants nothing to ${role}`);
  return found
    .join('\n')
    .replaceAll(` TO ${role};`, ` TO ${role === 'application' ? writer : runner};`)
    .replaceAll('app.accounts', 'notes')
    .replaceAll('SCHEMA app ', 'SCHEMA public ');
}

beforeAll(async () => {
  for (const role of [owner, runner, writer]) await source.query(`CREATE ROLE ${role} LOGIN`);
  const [[name]] = (await source.query('SELECT current_database()')) as [[string]];
  await source.query(`GRANT CREATE ON DATABASE ${name} TO ${owner}; GRANT CREATE ON SCHEMA public TO ${owner}; SET ROLE ${owner};
    CREATE TABLE notes (id int PRIMARY KEY, text text); GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO ${writer}; RESET ROLE`);
});

afterAll(async () => {
  await source.query(
    `DROP OWNED BY ${owner}, ${runner}, ${writer} CASCADE; DROP ROLE ${owner}, ${runner}, ${writer}`,
  );
});

const as = (user: string | undefined) => ({ ...source.config, user: user! });

it('is enough for who installs, writes, runs, asks, reads all, publishes itself and uninstalls', async () => {
  const { capture, model } = declare(TEXT);
  const status = () =>
    withClient(as(runner), 'test', async (client) =>
      readStatus(client, await findPlan(client, capture, model)),
    );
  const { plan } = await installIn(as(owner), TEXT);
  await source.query(grants('runner'));
  const client = await connect(as(writer), 'test');
  await client.query(
    "INSERT INTO notes VALUES (1, 'one'), (2, 'two'); UPDATE notes SET text = 'x' WHERE id = 1; DELETE FROM notes WHERE id = 2",
  );
  await expect(client.query('SELECT FROM edp_capture.outbox_0')).rejects.toThrow(
    'permission denied',
  );
  expect((await takeEvents(as(runner))).map(({ data }) => data.op)).toEqual([
    ...['create', 'create', 'update', 'delete', 'update'],
  ]);
  expect(await withClient(as(runner), 'test', (one) => readMisfits(one, capture, model))).toEqual(
    new Map(),
  );
  // One line, whatever number of attributes the table has.
  expect((await status()).misfits).toEqual([
    expect.stringMatching(
      /: notes: the source says: permission denied for .*Roles, has the grants$/,
    ),
  ]);

  await source.query(grants('reader'));
  expect(await status()).toMatchObject({ isCurrent: true, misfits: [], consumers: [{}] });
  await snapshotOf(as(runner), plan.models[0]!);
  expect((await takeEvents(as(runner))).map(({ data }) => data.after)).toEqual([
    { id: 1, text: 'x', size: 1 },
    // The truncate behind it.
    undefined,
  ]);
  expect(
    await withClient(as(runner), 'test', (one) => removeConsumer(one, 'default', true)),
  ).toMatchObject({ steps: [{}] });

  const publish = () =>
    client.query(
      `SELECT edp_capture.publish('notes', 1, 'update', '{"id": 1}', '{"text": "own"}', NULL)`,
    );
  await expect(publish()).rejects.toThrow('permission denied');
  await source.query(grants('application'));
  await publish();
  expect((await takeEvents(as(runner))).map(({ data }) => data.after)).toEqual([{ text: 'own' }]);
  await client.end();

  await expect(uninstallFrom(as(runner))).rejects.toMatchObject({ code: 'database_refused' });
  await uninstallFrom(as(owner));
  expect(await source.query("SELECT to_regnamespace('edp_capture')")).toEqual([[null]]);
});
