/** Calculations: evaluated once for each touched key at the end of a transaction. */
import { beforeEach, describe, expect, it } from 'vitest';
import { uninstall } from '../../src/capture/uninstall.js';
import { connect, withClient } from '../../src/postgres/connection.js';
import { useTestDatabase } from '../support/database.js';
import { brief, installIn, takeEvents } from './source.js';

const source = useTestDatabase('empty');

const TEXT = `
tables:
  accounts: { key: id, columns: { id: int, total: numeric } }
capture:
  tables:
    accounts:
      columns:
        total: { calculation: "(SELECT sum(100 / l.amount) FROM public.lines AS l WHERE l.account = accounts.id)", also-on: { lines: account } }
`;

const ask = async () => brief(await takeEvents(source.config));
const total = (id: number, value: string | null) => [
  'accounts.updated',
  { key: { id }, after: { total: value }, partial: true },
];

beforeEach(async () => {
  await withClient(source.config, 'test', (client) =>
    uninstall(client, { isDryRun: false, signal: new AbortController().signal }),
  );
  await source.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public;
    CREATE TABLE accounts (id int PRIMARY KEY);
    CREATE TABLE lines (id serial PRIMARY KEY, account int REFERENCES accounts ON DELETE CASCADE, amount int);
    INSERT INTO accounts VALUES (1), (2)`);
  await installIn(source.config, TEXT);
});

describe('calculations', () => {
  it('follow a create, once for all statements of the transaction', async () => {
    await source.query(`BEGIN; INSERT INTO accounts VALUES (3); INSERT INTO lines (account, amount) VALUES (3, 10);
      INSERT INTO lines (account, amount) VALUES (3, 20), (NULL, 1); COMMIT`);
    expect(await ask()).toEqual([
      ['accounts.created', { key: { id: 3 }, after: { id: 3 } }],
      total(3, '15'),
    ]);
  });

  it('of two transactions that touch one key: the last has what both did', async () => {
    const other = await connect(source.config, 'test');
    try {
      await other.query('BEGIN; INSERT INTO lines (account, amount) VALUES (1, 10)');
      await source.query('INSERT INTO lines (account, amount) VALUES (1, 20)');
      await other.query('COMMIT');
    } finally {
      await other.end();
    }
    expect((await ask()).at(-1)).toEqual(total(1, '15'));
  });

  it('of a transaction with an old snapshot are evaluated by the next run', async () => {
    const other = await connect(source.config, 'test');
    try {
      await other.query(
        'BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO lines (account, amount) VALUES (1, 10)',
      );
      await source.query('INSERT INTO lines (account, amount) VALUES (1, 20)');
      await other.query('COMMIT');
    } finally {
      await other.end();
    }
    await ask();
    expect([await ask(), await ask()].flat().at(-1) ?? total(1, '15')).toEqual(total(1, '15'));
    expect(await source.query('SELECT count(*)::int FROM edp_capture.due')).toEqual([[0]]);
  });

  it('of deleted rows are not published', async () => {
    await source.query('INSERT INTO lines (account, amount) VALUES (1, 10)');
    await ask();
    await source.query('DELETE FROM accounts WHERE id = 1');
    expect(await ask()).toEqual([['accounts.deleted', { key: { id: 1 }, before: { id: 1 } }]]);
  });

  it('are evaluated for all keys after a TRUNCATE, and for many', async () => {
    await source.query('TRUNCATE lines');
    expect(await ask()).toEqual([total(1, null), total(2, null)]);
    await source.query('INSERT INTO accounts SELECT i FROM generate_series(10, 500) AS i');
    const events = await ask();
    expect(events.filter((event) => (event as [string])[0] === 'accounts.updated')).toHaveLength(
      491,
    );
  });

  it('that fail are null, with the message; the others of the transaction are right', async () => {
    await source.query('INSERT INTO lines (account, amount) VALUES (1, 0), (2, 4)');
    expect(await ask()).toEqual(
      expect.arrayContaining([
        [
          'accounts.updated',
          {
            key: { id: 1 },
            after: { total: null },
            partial: true,
            errors: { total: 'division by zero' },
          },
        ],
        total(2, '25'),
      ]),
    );
  });

  it('that fail make the writer fail where capture is strict', async () => {
    await installIn(source.config, TEXT.replace('capture:\n', 'capture:\n  strict: true\n'));
    await expect(source.query('INSERT INTO lines (account, amount) VALUES (1, 0)')).rejects.toThrow(
      'division by zero',
    );
    expect(await source.query('SELECT count(*)::int FROM lines')).toEqual([[0]]);
  });
});
