/** Statements on a source → the events that they publish. */
import { beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/postgres/connection.js';
import { useTestDatabase } from '../support/database.js';
import { brief, byText, installIn, takeEvents } from './source.js';

const source = useTestDatabase('empty');

const TABLES = `
tables:
  people:
    key: id
    columns: { id: int, name: text, age: smallint, paid: numeric, team: text }
  teams: { key: code, columns: { code: text } }
  values:
    key: id
    columns: { id: bigint, r: real, d: double, n: numeric, b: boolean, day: date, t: timestamp, tz: timestamptz, u: uuid, j: json, jb: jsonb, padded: text, list: text, span: text, bytes: text, whole: numeric }
capture:
  tables:
    people:
      columns:
        name: { sql: "first || ' ' || coalesce(last, '?')" }
        team: { from: team_id, reference: teams }
      where: "age < 100"
    teams: {}
    values: {}
`;

beforeAll(async () => {
  await source.query(`
    CREATE TABLE teams (id int PRIMARY KEY, code text NOT NULL UNIQUE);
    CREATE TABLE people (id int PRIMARY KEY, first text, last text, age int, paid numeric, team_id int REFERENCES teams);
    CREATE TABLE values (id bigint PRIMARY KEY, r real, d double precision, n numeric, b boolean, day date, t timestamp, tz timestamptz,
      u uuid, j json, jb jsonb, padded char(4), list int[], span interval, bytes bytea, whole int);
    INSERT INTO teams VALUES (1, 'red'), (2, 'blue');
  `);
  await installIn(source.config, TABLES);
});

interface Case {
  readonly name: string;
  readonly sql: string;
  readonly events: readonly unknown[];
  /** Of events of different keys, which have no promised order: sorted. */
  readonly isUnordered?: boolean;
}

const ANN = { id: 1, name: 'Ann ?', age: 20, paid: '1.0', team: 'red' };

/** One after the other. */
const CASES: readonly Case[] = [
  {
    name: 'a row is created, with all its attributes',
    sql: "INSERT INTO people VALUES (1, 'Ann', NULL, 20, 1.0, 1)",
    events: [['people.created', { key: { id: 1 }, after: ANN }]],
  },
  {
    name: 'an update has what changed, before and after',
    sql: "UPDATE people SET last = 'Lee', age = 21 WHERE id = 1",
    events: [
      [
        'people.updated',
        {
          key: { id: 1 },
          after: { name: 'Ann Lee', age: 21 },
          before: { name: 'Ann ?', age: 20 },
          partial: true,
        },
      ],
    ],
  },
  {
    name: 'a number that is written otherwise is a change',
    sql: 'UPDATE people SET paid = 1.00',
    events: [
      [
        'people.updated',
        { key: { id: 1 }, after: { paid: '1.00' }, before: { paid: '1.0' }, partial: true },
      ],
    ],
  },
  {
    name: 'a statement that changes nothing publishes nothing',
    sql: 'UPDATE people SET first = first',
    events: [],
  },
  {
    name: 'a statement on no row publishes nothing',
    sql: 'DELETE FROM people WHERE id = 7',
    events: [],
  },
  {
    name: 'a reference is the key of its parent',
    sql: 'UPDATE people SET team_id = 2',
    events: [
      [
        'people.updated',
        { key: { id: 1 }, after: { team: 'blue' }, before: { team: 'red' }, partial: true },
      ],
    ],
  },
  {
    name: 'a row that leaves the filter is deleted',
    sql: 'UPDATE people SET age = 100',
    events: [
      [
        'people.deleted',
        {
          key: { id: 1 },
          before: { ...ANN, name: 'Ann Lee', age: 21, paid: '1.00', team: 'blue' },
        },
      ],
    ],
  },
  {
    name: 'outside of the filter nothing is published',
    sql: 'UPDATE people SET age = 101',
    events: [],
  },
  {
    name: 'a row that enters the filter is created',
    sql: 'UPDATE people SET age = 30',
    events: [
      [
        'people.created',
        { key: { id: 1 }, after: { ...ANN, name: 'Ann Lee', age: 30, paid: '1.00', team: 'blue' } },
      ],
    ],
  },
  {
    name: 'another key is a delete and a create',
    sql: 'UPDATE people SET id = 2, team_id = NULL',
    events: [
      [
        'people.deleted',
        {
          key: { id: 1 },
          before: { ...ANN, name: 'Ann Lee', age: 30, paid: '1.00', team: 'blue' },
        },
      ],
      [
        'people.created',
        { key: { id: 2 }, after: { id: 2, name: 'Ann Lee', age: 30, paid: '1.00', team: null } },
      ],
    ],
  },
  {
    name: 'what is rolled back is not published',
    sql: 'BEGIN; SAVEPOINT s; DELETE FROM people; ROLLBACK TO s; COMMIT; BEGIN; DELETE FROM people; ROLLBACK',
    events: [],
  },
  { name: 'TRUNCATE ends all keys', sql: 'TRUNCATE people', events: [['people.truncated', {}]] },
  {
    name: 'values have the form of their types',
    sql: `SET timezone = 'Asia/Tokyo'; SET extra_float_digits = -10; SET datestyle = 'German';
      INSERT INTO values VALUES (9007199254740993, 'NaN', 0.1, 'Infinity', true, '0044-03-15 BC', '2026-01-02 03:04:05.6', '2026-01-02 03:04:05+09',
      'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', E'{"a":\\n 1.0}', '{"b": 1}', 'x', '{1,NULL}', '1 day 2 hours', '\\x01ff', 7); INSERT INTO values VALUES (2); RESET ALL`,
    events: [
      [
        'values.created',
        {
          key: { id: '9007199254740993' },
          after: {
            id: '9007199254740993',
            r: 'NaN',
            d: 0.1,
            n: 'Infinity',
            b: true,
            day: '0044-03-15 BC',
            t: '2026-01-02T03:04:05.600000',
            tz: '2026-01-01T18:04:05.000000Z',
            u: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
            j: { a: 1 },
            jb: { b: 1 },
            padded: 'x   ',
            list: '{1,NULL}',
            span: '1 day 02:00:00',
            bytes: '\\x01ff',
            whole: '7',
          },
        },
      ],
      [
        'values.created',
        {
          key: { id: '2' },
          after: {
            id: '2',
            ...Object.fromEntries(
              [
                'r',
                'd',
                'n',
                'b',
                'day',
                't',
                'tz',
                'u',
                'j',
                'jb',
                'padded',
                'list',
                'span',
                'bytes',
                'whole',
              ].map((name) => [name, null]),
            ),
          },
        },
      ],
    ],
  },
  {
    name: 'infinite times, and years before Christ',
    sql: "UPDATE values SET day = '-infinity', t = 'infinity', tz = '0044-03-15 12:00:00Z BC', d = '-Infinity' WHERE id = 2",
    events: [
      [
        'values.updated',
        {
          key: { id: '2' },
          after: {
            day: '-infinity',
            t: 'infinity',
            tz: '0044-03-15T12:00:00.000000Z BC',
            d: '-Infinity',
          },
          before: { day: null, t: null, tz: null, d: null },
          partial: true,
        },
      ],
    ],
  },
  {
    name: 'an upsert is a create or an update',
    sql: "INSERT INTO teams VALUES (2, 'green'), (3, 'black') ON CONFLICT (id) DO UPDATE SET code = excluded.code",
    events: [
      ['teams.created', { key: { code: 'black' }, after: { code: 'black' } }],
      ['teams.created', { key: { code: 'green' }, after: { code: 'green' } }],
      ['teams.deleted', { key: { code: 'blue' }, before: { code: 'blue' } }],
    ],
    isUnordered: true,
  },
];

describe('events of statements', () => {
  it.each(CASES)('$name', async ({ sql, events, isUnordered = false }) => {
    await source.query(sql);
    const taken = brief(await takeEvents(source.config));
    expect(isUnordered ? byText(taken) : taken).toEqual(events);
  });

  it('have the head of a CloudEvent', async () => {
    await source.query("INSERT INTO teams VALUES (9, 'grey')");
    const [event] = await takeEvents(source.config);
    expect(event).toMatchObject({
      specversion: '1.0',
      source: 'edp:shop',
      type: 'teams.created',
      subject: 'grey',
      datacontenttype: 'application/json',
      dataschema: 'schemas/teams/change/v1.json',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      sequence: expect.stringMatching(/^\d{20}$/),
    });
  });

  it('wait for every transaction that began before them', async () => {
    const slow = await connect(source.config, 'test');
    try {
      await slow.query("BEGIN; INSERT INTO teams VALUES (20, 'slow')");
      await source.query("INSERT INTO teams VALUES (21, 'fast')");
      expect(await takeEvents(source.config, 'default', true)).toEqual([]);
      await slow.query('COMMIT');
      const events = await takeEvents(source.config);
      expect(events.map(({ subject }) => subject)).toEqual(['slow', 'fast']);
    } finally {
      await slow.end();
    }
  });

  it('go to each consumer', async () => {
    await source.query("INSERT INTO teams VALUES (30, 'both')");
    const [first, second] = [
      await takeEvents(source.config),
      await takeEvents(source.config, 'second'),
    ];
    expect(first.map(({ subject }) => subject)).toEqual(['both']);
    // A new one begins with all that is in the outbox.
    const [[kept]] = (await source.query('SELECT count(*)::int FROM edp_capture.outbox_0')) as [
      [number],
    ];
    expect(second).toHaveLength(kept);
    expect(second.at(-1)).toEqual(first[0]);
    expect(await takeEvents(source.config, 'second')).toEqual([]);
  });
});
