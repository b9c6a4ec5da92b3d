/** Calculations: evaluated once for each touched key at the end of a transaction. */
import { beforeEach, describe, expect, it } from 'vitest';
import { readStuck } from '../../src/capture/misfits.js';
import { findPlan } from '../../src/capture/resolve-plan.js';
import { runCapture } from '../../src/capture/run-capture.js';
import { readStatus } from '../../src/capture/status.js';
import { connect, withClient } from '../../src/postgres/connection.js';
import { useTestDatabase } from '../support/database.js';
import {
  brief,
  byText,
  declare,
  installIn,
  ListSink,
  takeEvents,
  uninstallFrom,
} from './source.js';

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
  await uninstallFrom(source.config);
  await source.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public;
    CREATE TABLE accounts (id int PRIMARY KEY, name text);
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

  it('of two transactions that touch one key: the second waits, and has what both did', async () => {
    const other = await connect(source.config, 'test');
    // Evaluated now, as at a commit that is not over yet.
    await other.query(
      'BEGIN; INSERT INTO lines (account, amount) VALUES (1, 10); SET CONSTRAINTS ALL IMMEDIATE',
    );
    let isOver = false;
    const second = source.query('INSERT INTO lines (account, amount) VALUES (1, 20)').then(() => {
      isOver = true;
    });
    await withClient(source.config, 'test', (client) =>
      expect
        .poll(
          async () =>
            (
              await client.query(
                "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
              )
            ).rowCount,
        )
        .toBe(1),
    );
    expect(isOver).toBe(false);
    await other.query('COMMIT');
    await other.end();
    await second;
    expect(await ask()).toEqual([total(1, '10'), total(1, '15')]);
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
    expect(await source.query('SELECT model, key FROM edp_capture.due')).toEqual([
      ['accounts', [1]],
    ]);
    const events = [...(await ask()), ...(await ask())];
    // What the transaction saw, which is no longer so, comes before what the run sees.
    expect(events).toEqual([total(1, '5'), total(1, '10'), total(1, '15')]);
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
    const failed = [
      'accounts.updated',
      {
        key: { id: 1 },
        after: { total: null },
        partial: true,
        errors: { total: 'division by zero' },
      },
    ];
    expect(byText(await ask())).toEqual([failed, total(2, '25')]);
  });

  it('that fail make the writer fail where capture is strict', async () => {
    await installIn(source.config, TEXT.replace('capture:\n', 'capture:\n  strict: true\n'));
    await expect(source.query('INSERT INTO lines (account, amount) VALUES (1, 0)')).rejects.toThrow(
      'division by zero',
    );
    expect(await source.query('SELECT count(*)::int FROM lines')).toEqual([[0]]);
  });
});

describe('calculations that do not fit the source any more', () => {
  const MISFITS: readonly [string, string, string, string][] = [
    [
      'a column that they read was renamed',
      'ALTER TABLE lines RENAME COLUMN amount TO sum',
      'l.amount',
      'l.sum',
    ],
    [
      'a column that they refer to was renamed',
      'ALTER TABLE accounts RENAME COLUMN id TO number',
      'accounts.id)"',
      'accounts.number)"',
    ],
    [
      'their result has another type',
      'ALTER TABLE lines ALTER COLUMN amount TYPE interval USING make_interval(secs => amount)',
      '100 / l.amount',
      '100 / extract(epoch FROM l.amount)::int',
    ],
  ];

  it.each(MISFITS)(
    'fail no writer, publish nothing wrong and wait for the install: %s',
    async (_, ddl, old, now) => {
      await source.query(ddl);
      await source.query("INSERT INTO lines (account) VALUES (1); UPDATE accounts SET name = 'x'");
      expect(await ask()).toEqual([]);
      const stuck = await withClient(source.config, 'test', readStuck);
      expect(stuck).toEqual([
        expect.stringMatching(/^accounts: a calculation does not fit.*42\w{3}/),
      ]);

      await expect(installIn(source.config, TEXT)).rejects.toThrow('does not fit the source');
      const text = TEXT.replace(old, now).replace(
        'columns:\n        total',
        now.includes('number')
          ? 'columns:\n        id: number\n        total'
          : 'columns:\n        total',
      );
      expect((await installIn(source.config, text)).failures).toEqual([]);
      const last = new Map((await ask()).map((event) => [JSON.stringify(event), event]));
      expect(byText([...last.values()])).toEqual([total(1, null), total(2, null)]);
      expect(await withClient(source.config, 'test', readStuck)).toEqual([]);
    },
  );

  it('are named by status and by the run, with the line of edp.yaml', async () => {
    await source.query('ALTER TABLE lines RENAME COLUMN amount TO sum');
    const { capture, model } = declare(TEXT);
    const status = await withClient(source.config, 'test', async (client) =>
      readStatus(client, await findPlan(client, capture, model)),
    );
    expect(status).toMatchObject({ isInstalled: true, isCurrent: false });
    expect(status.misfits).toEqual([
      expect.stringMatching(
        /^edp\.yaml:9: accounts\.total: the source says: column l\.amount does not exist/,
      ),
    ]);
    await source.query('INSERT INTO lines (account) VALUES (1)');
    const said: string[] = [];
    await runCapture(source.config, new ListSink(), {
      consumer: 'default',
      source: 'edp:shop',
      isOnce: true,
      signal: new AbortController().signal,
      onNote: () => {},
      onWaiting: async (client) => {
        said.push(...(await readStuck(client)));
      },
    });
    expect(said).toEqual([expect.stringContaining('column l.amount does not exist')]);
  });

  it('in a function that they call wait until an install finds it whole', async () => {
    await source.query(`CREATE FUNCTION twice(int) RETURNS numeric STABLE LANGUAGE plpgsql AS
      $$ BEGIN RETURN (SELECT 2 * sum(amount) FROM lines WHERE account = $1); END $$`);
    const text = TEXT.replace(/calculation: ".*?"/, 'calculation: "twice(id)"');
    await installIn(source.config, text);
    await source.query('ALTER TABLE lines RENAME COLUMN amount TO sum');
    await source.query("UPDATE accounts SET name = 'x' WHERE id = 1");
    const again = await installIn(source.config, text);
    expect(again.failures).toEqual([expect.stringContaining('column "amount" does not exist')]);
    await source.query(
      'ALTER TABLE lines RENAME COLUMN sum TO amount; INSERT INTO lines (account, amount) VALUES (1, 4)',
    );
    expect((await installIn(source.config, text)).failures).toEqual([]);
    expect((await ask()).at(-1)).toEqual(total(1, '8'));
  });

  it('in their filter fail no writer, either', async () => {
    await installIn(
      source.config,
      TEXT.replace(
        '    accounts:\n      columns:',
        '    accounts:\n      where: "100 / id > 0"\n      columns:',
      ),
    );
    await source.query('INSERT INTO accounts VALUES (0); UPDATE accounts SET id = 5 WHERE id = 0');
    expect(await source.query('SELECT id FROM accounts ORDER BY id')).toEqual([[1], [2], [5]]);
  });
});
