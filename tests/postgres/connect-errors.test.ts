/** Why a server refuses a connection, and what to do about it: said by servers that do, and done. */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { EdpError } from '../../src/base/errors.js';
import { toConnectError } from '../../src/postgres/connect-errors.js';
import { connectOnce, withClient } from '../../src/postgres/connection.js';

const SERVER: pg.ClientConfig = { port: 5432, user: 'edp', database: 'postgres', ssl: false };
const FUNCTION = `CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM * FROM gone; END'`;
const TRIGGER =
  'CREATE EVENT TRIGGER at_login ON login EXECUTE FUNCTION f(); ALTER EVENT TRIGGER at_login ENABLE ALWAYS';

async function refuse(
  plant: (name: string, role: string) => readonly string[],
  own: (name: string) => readonly string[],
  more: pg.ClientConfig,
): Promise<{ error: EdpError; name: string; role: string; config: pg.ClientConfig }> {
  const server = { ...SERVER, host: inject('serverHost') };
  const suffix = randomBytes(4).toString('hex');
  const [name, role] = [`Refused ${suffix}`, `Nobody ${suffix}`];
  const run = (statements: readonly string[], database = 'postgres') =>
    withClient({ ...server, database }, 'test', async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  await run([`CREATE DATABASE "${name}" TEMPLATE template0`, `CREATE ROLE "${role}" LOGIN`]);
  onTestFinished(() => run([`DROP DATABASE "${name}" WITH (FORCE)`, `DROP ROLE "${role}"`]));
  await run(own(name), name);
  await run(plant(name, role));
  const config = { ...server, database: name, user: role, ...more };
  const error = await connectOnce(config, 'test').then(
    (client) => client.end().then(() => expect.fail('the server takes it')),
    (thrown: EdpError) => thrown,
  );
  return { error: error as EdpError, name, role, config };
}

const nothing = () => [];

describe('a server that refuses, by its SQLSTATE', () => {
  it.each<
    [
      string,
      what: string,
      plant: (name: string, role: string) => readonly string[],
      more: pg.ClientConfig,
      remedy: (name: string, role: string) => string,
    ]
  >([
    [
      '42501',
      'no right to connect',
      (name) => [`REVOKE CONNECT ON DATABASE "${name}" FROM PUBLIC`],
      {},
      (name, role) => `GRANT CONNECT ON DATABASE "${name}" TO "${role}";`,
    ],
    [
      '55000',
      'a database without connections',
      (name) => [`ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`],
      {},
      (name) => `ALTER DATABASE "${name}" ALLOW_CONNECTIONS true;`,
    ],
    [
      '42501',
      'a setting of superusers',
      nothing,
      { options: '-c log_min_messages=error' },
      onSetting,
    ],
    ['42704', 'a setting that does not exist', nothing, { options: '-c no_such=1' }, onSetting],
    [
      '22023',
      'a value that a setting cannot have',
      nothing,
      { options: '-c work_mem=much' },
      onSetting,
    ],
    ['55P02', 'a setting of the server', nothing, { options: '-c port=1' }, onSetting],
  ])('%s: %s', async (code, _, plant, more, remedy) => {
    const { error, name, role, config } = await refuse(plant, nothing, more);
    expect(error).toMatchObject({ code: 'database_refused', cause: { code } });
    const expected = remedy(name, role);
    expect(error.hint).toContain(expected);
    if (!expected.endsWith(';')) return;
    await withClient({ ...SERVER, host: inject('serverHost') }, 'test', (client) =>
      client.query(expected),
    );
    await (await connectOnce(config, 'test')).end();
  });

  it('42P01: a trigger at login (from PostgreSQL 17 on)', async ({ skip }) => {
    const server = { ...SERVER, host: inject('serverHost') };
    const shown = await withClient(server, 'test', (client) =>
      client.query<{ number: number }>(
        "SELECT current_setting('server_version_num')::int AS number",
      ),
    );
    if (shown.rows[0]!.number < 170_000) skip();
    const { error } = await refuse(nothing, () => [FUNCTION, TRIGGER], {});
    expect(error).toMatchObject({ code: 'database_refused', cause: { code: '42P01' } });
    expect(error.hint).toContain("PGOPTIONS='-c event_triggers=off' psql 'Refused");
  });
});

function onSetting(): string {
  return 'correct the setting that the message names';
}

it.each([
  ['57P03', 'database_unreachable'],
  ['08006', 'database_unreachable'],
  ['55006', 'database_unreachable'],
  ['42000', 'database_unreachable'],
  ['42883', 'database_refused'],
  ['P0001', 'database_refused'],
])('%s is %s', (code, expected) => {
  const error = Object.assign(new Error('no'), { code });
  expect(toConnectError(error, SERVER as never)).toMatchObject({ code: expected, cause: error });
});

it('a pooler, which names no function of the server, says it of the database', () => {
  const error = Object.assign(new Error('permission denied'), { code: '42501' });
  const { hint } = toConnectError(error, { ...SERVER, user: 'me' } as never);
  expect(hint).toContain('GRANT CONNECT ON DATABASE "postgres" TO "me";');
});
