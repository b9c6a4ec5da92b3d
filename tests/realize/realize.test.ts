/** `edp realize`: events in files into their log and their tables, what is refused, and what is taken back. */
import { describe, expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';

const MODEL = `
tables:
  accounts:
    key: id
    history: true
    timestamps: [made_at, changed_at]
    columns:
      id: uuid
      owner: { type: text, trim: true, empty-as-null: true }
      risk: { type: text, values: { low: [L, lo] } }
      balance: numeric
  lines:
    key: [account, number]
    soft-delete: false
    columns: { account: bigint, number: text, amount: int }
`;

const folder = useWarehouseFolder({ 'edp.yaml': MODEL });
const ID = 'aaaaaaaa-0000-4000-8000-00000000000';
const account = (sequence: number, op: 'create' | 'update' | 'delete', n: number, after?: object) =>
  cloudEvent({
    table: 'accounts',
    op,
    sequence,
    key: { id: ID + n },
    ...(after === undefined
      ? {}
      : { after: op === 'create' ? { id: ID + n, ...after } : { ...after } }),
  });
const line = (
  sequence: number,
  op: 'create' | 'update' | 'delete',
  number: string,
  after?: object,
) =>
  cloudEvent({
    table: 'lines',
    op,
    sequence,
    key: { account: '7', number },
    ...(after === undefined ? {} : { after: { ...after } }),
  });

const read = (sql: string) => folder.database.query(sql);
const readAll = async () => ({
  accounts: await read('SELECT to_jsonb(t) FROM accounts t ORDER BY id'),
  history: await read('SELECT to_jsonb(t) FROM accounts_history t ORDER BY id, valid_from'),
  lines: await read('SELECT to_jsonb(t) FROM lines t ORDER BY account, number COLLATE "C"'),
});

async function reset(model = MODEL): Promise<void> {
  await folder.write('edp.yaml', model);
  await read('DROP SCHEMA IF EXISTS edp CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public');
}

const EVENTS = [
  account(1, 'create', 1, { owner: ' Ann ', risk: 'L', balance: '1.50' }),
  account(2, 'update', 1, { balance: '12345678901234567890.10' }),
  account(3, 'create', 2, { owner: '', risk: 'high', balance: null }),
  line(4, 'create', 'é"1', { account: '7', number: 'é"1', amount: 3 }),
  account(5, 'delete', 2),
  line(6, 'create', '2', { account: '7', number: '2', amount: 4 }),
  line(7, 'delete', '2'),
  account(9, 'update', 3, { owner: 'too early' }),
  account(8, 'create', 3, { owner: 'Eve', risk: null, balance: '0' }),
];

describe('events of files', () => {
  it('are kept once and folded, corrected as the columns declare', async () => {
    await reset();
    await folder.write('a.jsonl', toLines(EVENTS));
    const { json, status, stderr } = await folder.edp('realize', 'a.jsonl');
    expect(status, stderr).toBe(0);
    expect(json).toMatchObject({
      rows: { read: 9, loaded: 9, rejected: 0, duplicate: 0 },
      corrections: {
        'accounts.owner': { trim: 1, 'empty-as-null': 1 },
        'accounts.risk': { values: 1 },
      },
      files: [{ table: 'change_events', format: 'cloudevents', loadId: 1 }],
      tables: [
        {
          table: 'accounts',
          rows: { inserted: 3, updated: 0, deleted: 0 },
          history: { inserted: 5 },
        },
        { table: 'lines', rows: { inserted: 1, updated: 0, deleted: 0 } },
      ],
    });
    expect(
      await read(
        'SELECT id::text, owner, risk, balance::text, made_at::text, deleted_at IS NOT NULL, change_sequence::int FROM accounts ORDER BY id',
      ),
    ).toEqual([
      [
        `${ID}1`,
        'Ann',
        'low',
        '12345678901234567890.10',
        expect.stringContaining('10:00:01'),
        false,
        2,
      ],
      [`${ID}2`, null, 'high', null, expect.stringContaining('10:00:03'), true, 5],
      [`${ID}3`, 'too early', null, '0', expect.stringContaining('10:00:08'), false, 9],
    ]);
    expect(await read('SELECT number, amount FROM lines')).toEqual([['é"1', 3]]);
    expect((await folder.edp('verify', '1')).json).toMatchObject({ ok: true });
  });

  it('give the same tables in other files, in another order, and again', async () => {
    await reset();
    await folder.write('a.jsonl', toLines(EVENTS));
    await folder.edp('realize', 'a.jsonl');
    const wanted = await readAll();
    await reset();
    const backwards = [...EVENTS].reverse();
    await folder.write('b/accounts/1.jsonl', toLines(backwards.slice(0, 5)));
    await folder.write('b/accounts/.2.jsonl', 'being written');
    await folder.write('b/accounts/2.jsonl.tmp', 'being written');
    await folder.write('b/lines/3.jsonl', toLines(backwards.slice(3)));
    for (const args of [['b/accounts/1.jsonl'], ['b/'], ['b', '--force']]) {
      const { status, stderr } = await folder.edp('realize', ...args);
      expect(status, stderr).toBe(0);
    }
    expect(await readAll()).toEqual(wanted);
    const { json } = await folder.edp('status');
    expect(json.loads.map(({ rows }) => [rows.loaded, rows.duplicate])).toEqual([
      [0, 6],
      [0, 5],
      [4, 2],
      [5, 0],
    ]);
  });

  it.each(['split.copied', 'realize.loaded', 'realize.found', 'realize.merged', 'realize.folded'])(
    'are not lost and not doubled by a kill at %s',
    async (failpoint) => {
      await reset();
      await folder.write('a.jsonl', toLines(EVENTS));
      await folder.edp('realize', 'a.jsonl');
      const wanted = await readAll();
      await reset();
      const killed = await folder.killed(['realize', 'a.jsonl'], `${failpoint}=kill`);
      expect(killed.status).not.toBe(0);
      const again = await folder.edp(
        'realize',
        ...(failpoint === 'split.copied' ? ['a.jsonl'] : []),
      );
      expect(again.status, again.stderr).toBe(0);
      expect(await readAll()).toEqual(wanted);
    },
  );
});

it('events of a pipe are kept and folded', async () => {
  await reset();
  const { status, stderr } = await edp(['realize', '-'], {
    cwd: folder.directory,
    env: { DATABASE_URL: folder.database.url },
    input: toLines(EVENTS),
  });
  expect(status, stderr).toBe(0);
  expect(await read('SELECT count(*)::int FROM change_events')).toEqual([[EVENTS.length]]);
});

describe('what is refused', () => {
  const bad: readonly (readonly [string, string | null, unknown])[] = [
    ['unknown_table', null, { ...account(1, 'update', 1, { owner: 'x' }), type: 'others.updated' }],
    [
      'unknown_version',
      null,
      cloudEvent({
        table: 'accounts',
        op: 'delete',
        sequence: 2,
        key: { id: `${ID}1` },
        version: 2,
      }),
    ],
    ['bad_schema', 'nothing', account(3, 'update', 1, { nothing: 1 })],
    ['bad_schema', 'balance', account(4, 'update', 1, { balance: 5 })],
    [
      'bad_schema',
      'id',
      cloudEvent({ table: 'accounts', op: 'delete', sequence: 5, key: { id: 'x' } }),
    ],
    ['bad_schema', null, cloudEvent({ table: 'accounts', op: 'delete', sequence: 6 })],
    [
      'bad_schema',
      'number',
      cloudEvent({ table: 'lines', op: 'delete', sequence: 7, key: { account: '1' } }),
    ],
    ['bad_schema', 'account', line(8, 'update', 'x', { account: '9999999999999999999' })],
    ['bad_record', null, 'no JSON'],
    ['bad_record', null, '[1]'],
    ['bad_record', null, { specversion: '1.0' }],
    ['bad_record', null, { ...account(9, 'delete', 1), sequence: '-1' }],
    ['bad_record', null, { ...account(9, 'delete', 1), time: 'now' }],
    ['bad_json', 'after', account(10, 'update', 1, { owner: 'half \ud800' })],
    ['bad_json', 'after', account(11, 'update', 1, { owner: 'nul \u0000' })],
  ];

  it('is a reject with its code and attribute', async () => {
    await reset();
    await folder.write('bad.jsonl', toLines(bad.map(([, , event]) => event)));
    const { status, stderr } = await folder.edp('realize', 'bad.jsonl');
    expect(status).toBe(3);
    // Commands for events, not those for tables of files.
    expect(stderr).toMatch(
      /no event of bad\.jsonl was taken: .*edp rejects 1 .*edp replay 1 .*edp realize bad\.jsonl/,
    );
    expect(stderr).not.toContain('edp model infer');
    const { json } = await folder.edp('rejects', '1');
    expect(json.rejects.map(({ code, column }) => [code, column])).toEqual(
      bad.map(([code, column]) => [code, column]),
    );
    expect((await folder.edp('verify', '1')).json).toMatchObject({ ok: true });
  });

  it('is folded once the model takes it and it is replayed', async () => {
    await reset();
    await folder.write('a.jsonl', toLines([...EVENTS, account(20, 'update', 1, { phone: '1' })]));
    expect((await folder.edp('realize', 'a.jsonl')).status).toBe(3);
    await folder.write(
      'edp.yaml',
      MODEL.replace('      balance:', '      phone: text\n      balance:'),
    );
    const { json, status, stderr } = await folder.edp('replay', '1');
    expect(status, stderr).toBe(0);
    expect(json).toMatchObject({
      rows: { loaded: 1 },
      tables: [{ table: 'accounts' }, { table: 'lines' }],
    });
    expect(await read("SELECT phone FROM accounts WHERE id::text LIKE '%1'")).toEqual([['1']]);
  });

  it.each([
    [
      'unknown_table',
      cloudEvent({
        table: 'new',
        op: 'create',
        sequence: 1,
        key: { id: 1 },
        after: { id: 1, v: 'x' },
      }),
      (model: string) => `${model}  new: { key: id, columns: { id: int, v: text } }\n`,
      'SELECT id, v FROM new',
      [[1, 'x']],
    ],
    [
      'unknown_version',
      cloudEvent({
        table: 'accounts',
        op: 'update',
        sequence: 20,
        key: { id: `${ID}1` },
        version: 2,
        after: { level: 5 },
      }),
      (model: string) =>
        model
          .replace('history: true', 'history: true\n    version: 2')
          .replace('      balance:', '      level: int\n      balance:'),
      'SELECT owner, level FROM accounts',
      [['Ann', 5]],
    ],
  ])('of %s is folded once it is declared and replayed', async (code, event, change, sql, rows) => {
    await reset();
    await folder.write('a.jsonl', toLines([EVENTS[0], event]));
    expect((await folder.edp('realize', 'a.jsonl')).status).toBe(3);
    expect((await folder.edp('rejects', '1')).json.rejects).toMatchObject([{ code }]);
    await folder.write('edp.yaml', change(MODEL));
    const { json, status, stderr } = await folder.edp('replay', '1');
    expect([status, json.rows], stderr).toMatchObject([0, { read: 1, loaded: 1 }]);
    expect(await read(sql)).toEqual(rows);
    expect((await folder.edp('verify', '1')).json).toMatchObject({ ok: true });
  });

  it('is a file of events for edp ingest, which says what takes it', async () => {
    await reset();
    await folder.write('accounts.jsonl', toLines(EVENTS));
    const { status, stderr } = await folder.plain('ingest', 'accounts.jsonl');
    expect(status).not.toBe(0);
    expect(stderr).toContain('edp realize');
  });
});

describe('edp undo of a load of events', () => {
  it('takes their effect back, also where it is killed before it folds', async () => {
    await reset();
    await folder.write('1.jsonl', toLines(EVENTS.slice(0, 4)));
    await folder.write('2.jsonl', toLines(EVENTS.slice(4)));
    await folder.edp('realize', '1.jsonl');
    const before = await readAll();
    await folder.edp('realize', '2.jsonl');
    const after = await readAll();
    expect(after).not.toEqual(before);
    const { json, status } = await folder.edp('undo', '2', '--yes');
    expect([status, json.ok]).toEqual([0, true]);
    expect(await readAll()).toEqual(before);
    await folder.edp('realize', '2.jsonl');
    expect(await readAll()).toEqual(after);
    await folder.killed(['undo', '3', '--yes'], 'undo.closed=kill');
    expect(await readAll()).toEqual(after);
    await folder.edp('realize');
    expect(await readAll()).toEqual(before);
  });
});

describe('notes of an undo', () => {
  it('are gone once its keys are folded, also those of a table without any event', async () => {
    await reset();
    const truncate = (table: string) => cloudEvent({ table, op: 'truncate', sequence: 5 });
    await folder.write('a.jsonl', toLines(EVENTS.slice(0, 3)));
    await folder.write('t.jsonl', toLines([truncate('accounts'), truncate('lines')]));
    await folder.edp('realize', 'a.jsonl');
    const accounts = () => read('SELECT to_jsonb(t) FROM accounts t ORDER BY id');
    const before = await accounts();
    await folder.edp('realize', 't.jsonl');
    expect((await folder.edp('undo', '2', '--yes')).status).toBe(0);
    for (const args of [
      ['verify', '2'],
      ['replay', '2'],
      ['rejects', '2', '--passed-over'],
    ]) {
      const gone = await folder.edp(...args);
      expect([gone.status, gone.stderr], args.join(' ')).toEqual([
        2,
        expect.stringContaining('load its file again: edp realize'),
      ]);
    }
    expect(await accounts()).toEqual(before);
    expect(await read('SELECT table_name, key FROM edp.unfolded_keys')).toEqual([]);
  });
});

describe('tables', () => {
  it('may have types that hold those of the model, and a key with more in its index', async () => {
    await reset();
    await read('CREATE DOMAIN money_of_shop AS numeric(30, 10)');
    await read(
      'CREATE TABLE accounts (id uuid, owner varchar(50), balance money_of_shop, note text)',
    );
    await read('CREATE UNIQUE INDEX ON accounts (id) INCLUDE (note)');
    await folder.write('a.jsonl', toLines(EVENTS));
    const { status, stderr } = await folder.edp('realize', 'a.jsonl');
    expect(status, stderr).toBe(0);
    expect(await read('SELECT count(*)::int FROM accounts')).toEqual([[3]]);
  });

  it('get the columns that they lack, and one that does not fit keeps no other', async () => {
    await reset();
    await read('CREATE TABLE accounts (id uuid PRIMARY KEY, owner text, own_note text)');
    await read('CREATE TABLE lines (account text, number text, PRIMARY KEY (account, number))');
    await folder.write('a.jsonl', toLines(EVENTS));
    const { json, status, stderr } = await folder.edp('realize', 'a.jsonl');
    expect(status).toBe(1);
    expect(stderr).toMatch(/accounts has new columns: .*deleted_at timestamptz/);
    expect(json).toMatchObject({
      ok: false,
      tables: [
        { table: 'accounts', rows: { inserted: 3 } },
        { table: 'lines', reason: expect.stringContaining('account is text') },
      ],
    });
    await read('DROP TABLE lines');
    expect((await folder.edp('realize')).json).toMatchObject({
      tables: [{ table: 'lines', rows: { inserted: 1 } }],
    });
  });

  it('follow a new version: older events are lifted, those in the log, too', async () => {
    await reset();
    await folder.write('1.jsonl', toLines(EVENTS));
    await folder.edp('realize', '1.jsonl');
    const lifted = MODEL.replace(
      '    history: true',
      '    version: 2\n    migrations: { 2: { rename: { owner: owner_name }, drop: [risk], default: { level: 1 } } }\n    history: true',
    )
      .replace('      owner:', '      level: int\n      owner_name:')
      .replace(/ {6}risk:.*\n/, '');
    await folder.write('edp.yaml', lifted);
    await folder.write(
      '2.jsonl',
      toLines([
        account(30, 'update', 1, { owner: 'Bea', risk: 'lo' }),
        account(31, 'create', 4, { owner: 'new', risk: 'L', balance: '1' }),
        cloudEvent({
          table: 'accounts',
          op: 'update',
          sequence: 32,
          key: { id: `${ID}4` },
          version: 2,
          after: { level: 5 },
        }),
      ]),
    );
    const { status, stderr } = await folder.edp('realize', '2.jsonl');
    expect(status, stderr).toBe(0);
    expect(stderr).toContain(
      'table accounts keeps columns that the model does not have: owner, risk; events do not fill them',
    );
    expect(await read('SELECT owner_name, level FROM accounts ORDER BY id')).toEqual([
      ['Bea', 1],
      [null, 1],
      ['too early', 1],
      ['new', 5],
    ]);
    for (const load of ['1', '2'])
      expect((await folder.edp('verify', load)).json).toMatchObject({ ok: true });
  });

  it('truncates end the keys of their source', async () => {
    await reset();
    await folder.write(
      't.jsonl',
      toLines([
        account(1, 'create', 1, { owner: 'a' }),
        { ...account(2, 'create', 2, { owner: 'b' }), source: 'edp:other' },
        cloudEvent({ table: 'accounts', op: 'truncate', sequence: 5 }),
        account(7, 'create', 3, { owner: 'c' }),
      ]),
    );
    const { status, stderr } = await folder.edp('realize', 't.jsonl');
    expect(status, stderr).toBe(0);
    expect(
      await read(
        'SELECT owner, deleted_at IS NOT NULL, change_sequence::int FROM accounts ORDER BY id',
      ),
    ).toEqual([
      ['a', true, 5],
      ['b', false, 2],
      ['c', false, 7],
    ]);
  });
});

describe('a history', () => {
  const at = (event: object, second: number) => ({
    ...event,
    time: `2026-11-29T10:00:${String(second).padStart(2, '0')}.000000Z`,
  });
  const READ = { id: `${ID}1`, owner: 'Ann', risk: 'low', balance: '1.50' };
  const read1 = (sequence: number) =>
    cloudEvent({ table: 'accounts', op: 'read', sequence, key: { id: `${ID}1` }, after: READ });
  const STATES = [
    at(account(1, 'create', 1, { owner: 'Ann', risk: 'low', balance: '1.50' }), 1),
    // What is known already: a calculation that is published again, and a snapshot.
    at(account(2, 'update', 1, { balance: '1.50' }), 2),
    at(read1(3), 3),
    at(account(4, 'update', 1, { balance: '2' }), 4),
    at(account(5, 'update', 1, { owner: 'Ann', balance: '2' }), 5),
    at(account(6, 'delete', 1), 6),
    at(account(7, 'create', 1, { owner: 'Ann', risk: 'low', balance: '2' }), 6),
    at(account(8, 'update', 1, { owner: null }), 8),
    at(account(9, 'update', 1, { owner: null, risk: 'low' }), 9),
  ];
  const VERSIONS = [
    [1, 'Ann', '1.50', 1],
    [4, 'Ann', '2', 4],
    [7, 'Ann', '2', 6],
    [8, null, '2', 8],
  ];
  const versions = () =>
    read(
      `SELECT change_sequence::int, owner, balance::text, extract(second FROM valid_from)::int
       FROM accounts_history ORDER BY valid_from`,
    );

  it.each([
    ['at once', [STATES]],
    ['one by one', STATES.map((event) => [event])],
    ['from behind', [...STATES].reverse().map((event) => [event])],
  ])('has a version where a value changes, or a row comes back: %s', async (_, files) => {
    await reset();
    for (const [i, events] of files.entries()) {
      await folder.write(`states-${i}.jsonl`, toLines(events));
      const { status, stderr } = await folder.edp('realize', `states-${i}.jsonl`);
      expect(status, stderr).toBe(0);
    }
    expect(await versions()).toEqual(VERSIONS);
  });
});
