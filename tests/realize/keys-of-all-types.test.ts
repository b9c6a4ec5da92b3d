/** Keys of every type, each value spelled in several ways: any order of their events gives the rows of the oracle. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';
import { type PlainEvent, realize } from './oracle.js';
import { placeOf } from './random-events.js';

const UUID = 'abcdefab-0000-4000-8000-00000000000';
/** By type: values, each as the server reads it, and its spellings as JSON. */
const SPELLINGS: Readonly<Record<string, readonly (readonly [string, ...string[]])[]>> = {
  smallint: [
    ['0', '0', '-0', '0.0'],
    ['-7', '-7', '-7.0', '-70e-1'],
  ],
  int: [
    ['0', '0', '-0'],
    ['1000', '1000', '1e3', '1000.0'],
  ],
  bigint: [
    ['0', '"0"'],
    ['-12345678901234567', '"-12345678901234567"'],
  ],
  real: [
    ['0', '0', '-0'],
    ['0.1', '0.1', '0.10000000149011612', '1e-1'],
    ['NaN', '"NaN"'],
  ],
  double: [
    ['0', '0', '-0', '0.0'],
    ['1000', '1000', '1e3'],
    ['-Infinity', '"-Infinity"'],
  ],
  numeric: [
    ['0', '"0"', '"-0"', '"0.00"', '"-0.0"'],
    ['2', '"2"', '"2.00"'],
    ['NaN', '"NaN"'],
  ],
  text: [
    ['a', '"a"', '"\\u0061"'],
    ['A', '"A"'],
    ['', '""'],
    ['é', '"é"', '"\\u00e9"'],
  ],
  boolean: [
    ['true', 'true'],
    ['false', 'false'],
  ],
  date: [
    ['2026-11-29', '"2026-11-29"', '"02026-11-29"'],
    ['0044-03-15 BC', '"0044-03-15 BC"'],
    ['infinity', '"infinity"'],
  ],
  timestamp: [
    [
      '2026-11-29 00:00:00',
      '"2026-11-29T00:00:00"',
      '"2026-11-29T00:00:00.000000"',
      '"002026-11-29T00:00:00.0"',
    ],
    ['0044-03-15 00:00:00.5 BC', '"0044-03-15T00:00:00.5 BC"', '"0044-03-15T00:00:00.500 BC"'],
  ],
  timestamptz: [
    ['2026-11-29 00:00:00Z', '"2026-11-29T00:00:00Z"', '"2026-11-29T00:00:00.000Z"'],
    ['-infinity', '"-infinity"'],
  ],
  uuid: [
    [`${UUID}1`, `"${UUID}1"`, `"${UUID.toUpperCase()}1"`],
    [`${UUID}2`, `"${UUID}2"`],
  ],
};
const TYPES = Object.keys(SPELLINGS);

const folder = useWarehouseFolder({
  'edp.yaml': `tables:\n${TYPES.map(
    (type) => `  k_${type}: { key: id, history: true, columns: { id: ${type}, name: text } }\n`,
  ).join('')}`,
});

const OPS = ['create', 'create', 'update', 'update', 'delete', 'read'] as const;

/** Random events of each table, in a random order. */
const anyEvents = fc
  .array(
    fc.record({
      type: fc.constantFrom(...TYPES),
      value: fc.nat(2),
      spelling: fc.nat(3),
      op: fc.constantFrom(...OPS),
      sequence: fc.integer({ min: 1, max: 30 }),
    }),
    { minLength: 300, maxLength: 400, size: 'max' },
  )
  .map((drafts) => {
    const seen = new Set<string>();
    return drafts.flatMap(({ type, value, spelling, op, sequence }) => {
      const values = SPELLINGS[type]!;
      const [text, ...written] = values[value % values.length]!;
      const json = written[spelling % written.length]!;
      const event: PlainEvent = {
        key: [text],
        sequence,
        source: 'edp:a',
        op,
        time: Date.UTC(2026, 10, 29, 10, 0, sequence),
        ...(op === 'delete' ? {} : { after: { name: `n${sequence}` } }),
      };
      const place = `${type} ${placeOf(event)}`;
      if (seen.has(place)) return [];
      seen.add(place);
      return [{ type, event, json }];
    });
  });

function lineOf({ type, event, json }: { type: string; event: PlainEvent; json: string }): string {
  const { op, sequence, time, after } = event;
  const isWhole = op === 'create' || op === 'read';
  const line = cloudEvent({
    table: `k_${type}`,
    op,
    sequence,
    key: { id: '@' },
    time: new Date(time).toISOString(),
    ...(after === undefined ? {} : { after: isWhole ? { id: '@', ...after } : after }),
  });
  const { subject: _, ...others } = line as Record<string, unknown>;
  return JSON.stringify(others).replaceAll('"@"', json);
}

it.each([
  ['numeric(10,2)', 'numeric'],
  ['timestamp(3)', 'timestamp'],
])('are refused where the table has %s, which would make one value of two', async (type, own) => {
  await folder.database.query(
    `DROP SCHEMA IF EXISTS edp CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;
     CREATE TABLE k_${own} (id ${type} PRIMARY KEY)`,
  );
  const event: PlainEvent = { key: ['x'], sequence: 1, source: 'edp:a', op: 'delete', time: 0 };
  const json = SPELLINGS[own]![0]![1]!;
  await folder.write('typed.jsonl', toLines([lineOf({ type: own, event, json })]));
  const { status, stderr } = await folder.edp('realize', 'typed.jsonl');
  expect([status, stderr]).toEqual([1, expect.stringContaining('takes different values of a key')]);
});

it('are one row for each value, whatever the order and the spelling', async () => {
  for (const [round, events] of fc.sample(anyEvents, { numRuns: 3, seed: 7 }).entries()) {
    await folder.database.query(
      'DROP SCHEMA IF EXISTS edp CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public',
    );
    const third = Math.ceil(events.length / 3);
    for (const part of [0, 1, 2]) {
      const own = events.slice(part * third, (part + 1) * third);
      await folder.write(`${round}-${part}.jsonl`, toLines(own.map(lineOf)));
      const { status, stderr, json } = await folder.edp('realize', `${round}-${part}.jsonl`);
      expect([status, json.rows?.rejected], stderr).toEqual([0, 0]);
    }
    for (const type of TYPES) {
      const own = events.filter((one) => one.type === type).map(({ event }) => event);
      const { rows, history } = realize(own);
      const sql = type === 'double' ? 'double precision' : type;
      for (const [text] of SPELLINGS[type]!) {
        const [wanted] = rows.filter(({ key }) => key[0] === text);
        const found = await folder.database.query(
          `SELECT name, change_sequence::int, deleted_at IS NOT NULL FROM k_${type} WHERE id = $1::text::${sql}`,
          [text],
        );
        expect(found, `${type} ${text}`).toEqual(
          wanted === undefined
            ? []
            : [[wanted.attributes.name ?? null, wanted.sequence, wanted.deleted !== null]],
        );
      }
      const [counts] = await folder.database.query(
        `SELECT (SELECT count(*)::int FROM k_${type}), (SELECT count(*)::int FROM k_${type}_history)`,
      );
      expect(counts, type).toEqual([rows.length, history.length]);
    }
  }
});
