/** The least rights that docs/capture.md lists. */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { snapshotModel } from '../../src/capture/snapshot.js';
import { connect, withClient } from '../../src/postgres/connection.js';
import { useTestDatabase } from '../support/database.js';
import { installIn, takeEvents } from './source.js';

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

const GRANTS = /```sql\n(GRANT[\s\S]*?)```/.exec(
  readFileSync(new URL('../../docs/capture.md', import.meta.url), 'utf8'),
)![1]!;

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

it('is enough for who installs, who writes and who runs', async () => {
  const as = (user: string | undefined) => ({ ...source.config, user: user! });
  const { plan } = await installIn(as(owner), TEXT);
  await source.query(GRANTS.replaceAll('runner', runner!));
  const client = await connect(as(writer), 'test');
  await client.query(
    "INSERT INTO notes VALUES (1, 'one'), (2, 'two'); UPDATE notes SET text = 'x' WHERE id = 1; DELETE FROM notes WHERE id = 2",
  );
  await expect(client.query('SELECT FROM edp_capture.outbox_0')).rejects.toThrow(
    'permission denied',
  );
  await client.end();
  expect((await takeEvents(as(runner))).map(({ data }) => data.op)).toEqual([
    ...['create', 'create', 'update', 'delete', 'update'],
  ]);
  await source.query(`GRANT SELECT ON notes TO ${runner}`);
  await withClient(as(runner), 'test', (session) =>
    snapshotModel(session, plan.models[0]!, {
      source: 'edp:shop',
      sink: undefined,
      target: '',
      capBytes: 1e9,
      signal: new AbortController().signal,
      onNote: () => {},
    }),
  );
  expect((await takeEvents(as(runner))).map(({ data }) => data.after)).toEqual([
    { id: 1, text: 'x', size: 1 },
  ]);
});
