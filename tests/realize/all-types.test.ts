/** Values of all types, wide tables, and events in odd orders, from lines to rows. */
import { describe, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';

const VALUES = {
  smallint: [-32768, '-32768'],
  int: [2147483647, '2147483647'],
  bigint: ['-9223372036854775808', '-9223372036854775808'],
  real: [1.5, '1.5'],
  double: ['-Infinity', '-Infinity'],
  numeric: ['12345678901234567890.123456789', '12345678901234567890.123456789'],
  text: ['é"\\ 日本\n\t', 'é"\\ 日本\n\t'],
  boolean: [false, 'false'],
  date: ['0044-03-15 BC', '0044-03-15 BC'],
  timestamp: ['2026-11-29T10:00:00.123456', '2026-11-29 10:00:00.123456'],
  timestamptz: ['infinity', 'infinity'],
  uuid: ['AAAAAAAA-0000-4000-8000-000000000000', 'aaaaaaaa-0000-4000-8000-000000000000'],
  json: [[1, { a: null }], '[1, {"a": null}]'],
  jsonb: [{ a: 'b' }, '{"a": "b"}'],
} as const;
const TYPES = Object.keys(VALUES) as (keyof typeof VALUES)[];
const WIDE = Array.from({ length: 200 }, (_, i) => `w${i}`);

const folder = useWarehouseFolder({
  'edp.yaml': `tables:
  every:
    key: [a, b]
    columns:
      a: uuid
      b: numeric
${TYPES.map((type) => `      c_${type}: ${type}\n`).join('')}
  widened:
    key: id
    columns: { id: int, c_real: real, c_int: int, c_text: text, c_json: json, c_timestamp: timestamp, c_numeric: numeric }
  wide:
    key: id
    columns:
      id: int
${WIDE.map((name, i) => `      ${name}: ${i % 2 === 0 ? 'int' : 'text'}\n`).join('')}`,
});

const KEY = { a: 'BBBBBBBB-0000-4000-8000-000000000000', b: '1.50' };
const read = (sql: string) => folder.database.query(sql);

describe('values', () => {
  const after = Object.fromEntries(TYPES.map((type) => [`c_${type}`, VALUES[type][0]]));

  it('of all types are what the server has', async () => {
    await folder.write(
      'every.jsonl',
      toLines([
        cloudEvent({
          table: 'every',
          op: 'create',
          sequence: 1,
          key: KEY,
          after: { ...KEY, ...after },
        }),
        // The same key, written in another way.
        cloudEvent({
          table: 'every',
          op: 'update',
          sequence: 2,
          key: { a: KEY.a.toLowerCase(), b: '1.5' },
          after: { c_text: VALUES.text[0] },
        }),
        cloudEvent({
          table: 'every',
          op: 'create',
          sequence: 3,
          key: { ...KEY, b: '2' },
          after: {
            ...KEY,
            b: '2',
            ...Object.fromEntries(TYPES.map((type) => [`c_${type}`, null])),
          },
        }),
        JSON.stringify(
          cloudEvent({
            table: 'every',
            op: 'create',
            sequence: 4,
            key: { ...KEY, b: '3' },
            after: { ...KEY, b: '3', c_jsonb: 'HERE' },
          }),
        ).replace('"HERE"', '{"n": 123456789012345678901234567890.10}'),
      ]),
    );
    const { status, stderr, json } = await folder.edp('realize', 'every.jsonl');
    expect(status, stderr).toBe(0);
    expect(json).toMatchObject({ rows: { loaded: 4 }, tables: [{ rows: { inserted: 3 } }] });
    const texts = TYPES.map((type) => `c_${type}::text`).join(', ');
    expect(await read(`SELECT b::text, ${texts} FROM every WHERE b < 3 ORDER BY b`)).toEqual([
      ['1.5', ...TYPES.map((type) => VALUES[type][1])],
      ['2', ...TYPES.map(() => null)],
    ]);
    expect(await read('SELECT c_jsonb::text FROM every WHERE b = 3')).toEqual([
      ['{"n": 123456789012345678901234567890.10}'],
    ]);
  });
});

describe('a table whose types are wider than those declared', () => {
  const after = {
    c_real: 0.1,
    c_int: 7,
    c_text: 'four',
    c_json: { a: null },
    c_timestamp: '2026-11-29T10:00:00.123456',
    c_numeric: '1.005',
  };

  it('gets the values that its own types make, and no other ones by the next fold', async () => {
    await read(`CREATE TABLE widened (id bigint PRIMARY KEY, c_real double precision, c_int numeric, c_text varchar(5),
      c_json jsonb, c_timestamp timestamp(3), c_numeric numeric(10,2), deleted_at timestamptz(0), change_sequence numeric)`);
    const base = { table: 'widened', key: { id: 1 } };
    await folder.write(
      'widened.jsonl',
      toLines([
        cloudEvent({ ...base, op: 'create', sequence: 1, after: { id: 1 } }),
        cloudEvent({
          ...base,
          op: 'create',
          key: { id: 2 },
          sequence: 2,
          after: { id: 2, ...after },
        }),
      ]),
    );
    await folder.write(
      'patch.jsonl',
      toLines([cloudEvent({ ...base, op: 'update', sequence: 3, after })]),
    );
    await folder.write(
      'same.jsonl',
      toLines([
        cloudEvent({
          ...base,
          key: { id: 2 },
          op: 'read',
          sequence: 4,
          after: { id: 2, ...after },
        }),
      ]),
    );
    for (const file of ['widened.jsonl', 'patch.jsonl']) {
      const { status, stderr } = await folder.edp('realize', file);
      expect(status, stderr).toBe(0);
    }
    const values = `SELECT c_real::text, c_int::text, c_text, c_json::text, c_timestamp::text, c_numeric::text FROM widened ORDER BY id`;
    const row = ['0.1', '7', 'four', '{"a": null}', '2026-11-29 10:00:00.123', '1.01'];
    expect(await read(values)).toEqual([row, row]);
    await read(
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.c_numeric IS DISTINCT FROM OLD.c_numeric OR NEW.c_real IS DISTINCT FROM OLD.c_real THEN RAISE EXCEPTION 'changed'; END IF; RETURN NEW; END $$",
    );
    await read(
      'CREATE TRIGGER refuse BEFORE UPDATE ON widened FOR EACH ROW EXECUTE FUNCTION refuse()',
    );
    const { status, stderr } = await folder.edp('realize', 'same.jsonl');
    expect(status, stderr).toBe(0);
    expect(await read(values)).toEqual([row, row]);
    await folder.write(
      'long.jsonl',
      toLines([cloudEvent({ ...base, op: 'update', sequence: 5, after: { c_text: 'longer' } })]),
    );
    expect((await folder.edp('realize', 'long.jsonl')).stderr).toMatch(/value too long/);
    await read('ALTER TABLE widened ALTER c_text TYPE text');
    expect((await folder.edp('realize')).status).toBe(0);
  });
});

describe('a table of 200 columns', () => {
  const wide = (i: number, sequence: number) => (i % 2 === 0 ? sequence : `text ${sequence}`);

  it('is folded, deletes without creates and updates before them among its events', async () => {
    const whole = Object.fromEntries(WIDE.map((name, i) => [name, wide(i, 5)]));
    await folder.write(
      'wide-1.jsonl',
      toLines([
        ...WIDE.map((name, i) =>
          cloudEvent({
            table: 'wide',
            op: 'update',
            sequence: 10 + i,
            key: { id: 1 },
            after: { [name]: wide(i, 10 + i) },
          }),
        ),
        cloudEvent({
          table: 'wide',
          op: 'delete',
          sequence: 7,
          key: { id: 2 },
          before: { w1: 'was' },
        }),
        cloudEvent({ table: 'wide', op: 'delete', sequence: 8, key: { id: 3 } }),
      ]),
    );
    await folder.write(
      'wide-2.jsonl',
      toLines([
        cloudEvent({
          table: 'wide',
          op: 'create',
          sequence: 5,
          key: { id: 1 },
          after: { id: 1, ...whole },
        }),
      ]),
    );
    expect((await folder.edp('realize', 'wide-1.jsonl')).status).toBe(0);
    expect(await read('SELECT id, w1, deleted_at IS NOT NULL FROM wide ORDER BY id')).toEqual([
      [2, 'was', true],
      [3, null, true],
    ]);
    expect((await folder.edp('realize', 'wide-2.jsonl')).status).toBe(0);
    expect(
      await read('SELECT w0, w1, w198, w199, change_sequence::int FROM wide WHERE id = 1'),
    ).toEqual([[10, 'text 11', 208, 'text 209', 209]]);
  });
});
