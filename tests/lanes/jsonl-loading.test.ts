/**
 * Lines of JSON through the loader, without a database: wherever reads and splits cut the file, the same rows,
 * rejects, counts and lines; and of records that a CSV file has, too, the same rows and the same reasons.
 *
 * JSONL_CASES=100000 runs it for longer.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLAIN_DIALECT } from '../../src/formats/csv/dialect.js';
import { WINDOW_BYTES } from '../../src/lanes/assembly/layout.js';
import { planRecords } from '../../src/mapping/record-plan.js';
import { withExtraColumn } from '../../src/model/drift.js';
import type { OnNewField } from '../../src/model/load-rules.js';
import { parseModel } from '../../src/model/schema.js';
import { OPEN } from '../formats/jsonl/parsing.js';
import { BY_CSV, BY_LANE, load, type Manner, type Outcome, type Target } from './loading.js';

const CASES = Number(process.env.JSONL_CASES ?? 1500);
const TIMEOUT_MS = 120_000 + CASES * 50;

const [TABLE] = parseModel({
  facts: {
    columns: {
      id: 'bigint',
      n: 'int',
      price: 'numeric',
      ratio: 'double',
      ok: 'boolean',
      day: 'date',
      at: 'timestamptz',
      name: 'text',
      tags: 'jsonb',
      raw: 'json',
      lower: { type: 'text', field: 'Name', case: 'lower', 'empty-as-null': true, default: 'none' },
      sum: { type: 'numeric', computed: 'n + price' },
    },
    key: 'id',
    metrics: { from: 'event', path: 'metrics', columns: { m1: 'int', m2: 'double' } },
    ignore: ['note'],
  },
}).tables;

const FIELDS = [
  'id',
  'n',
  'price',
  'ratio',
  'ok',
  'day',
  'at',
  'name',
  'tags',
  'raw',
  'Name',
  'event',
];

function targetOf(onNew: OnNewField): Target {
  const table = onNew === 'keep' ? withExtraColumn(TABLE!) : TABLE!;
  const layout = { recordForm: OPEN, fields: [] };
  return { ...planRecords(table, layout, 'memory', onNew), loadId: 7, references: [] };
}

/** The same table by a header with all fields. */
const BY_HEADER: Target = {
  ...planRecords(
    TABLE!,
    {
      recordForm: { format: 'csv', dialect: { ...PLAIN_DIALECT, fieldCount: FIELDS.length } },
      fields: FIELDS,
    },
    'memory',
  ),
  loadId: 7,
  references: [],
};

/** A value, as JSON has it and as a field of CSV. */
interface Both {
  /** Undefined for a key that is not there. */
  readonly json: string | undefined;
  readonly csv: string;
}

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const NONE: fc.Arbitrary<Both> = fc.constantFrom(
  { json: undefined, csv: '' },
  { json: 'null', csv: '' },
);
const asString = (text: string): Both => ({ json: JSON.stringify(text), csv: quoted(text) });
/** Without quotes, or with them. */
const asLiteral = (text: string) =>
  fc.constantFrom<Both>({ json: text, csv: text }, asString(text));
const literal = (...texts: string[]) => fc.constantFrom(...texts).chain(asLiteral);
const TEXT = fc
  .string({
    unit: fc.constantFrom('a', 'Ä', ' ', '"', ',', '\\', '\n', '\t', '😀', '{', '#'),
    maxLength: 8,
  })
  .map(asString);
/** As it stands, or in a string. */
const nested = (text: string) =>
  fc.constantFrom<Both>({ json: text, csv: quoted(text) }, asString(text));

/** Values that no column takes, or only some. */
const ODD = fc.oneof(
  literal('12', '-5', '1.5', '0.10', '1e3', '1e400', 'true', '2147483648', '9223372036854775808'),
  fc.constantFrom('abc', '2024-02-30', 'infinity', '\0').map(asString),
  fc
    .constantFrom('{"metrics": {"m1": "x"}}', '{"metrics": {"m1": 1, "m1": 2}}', '{"metrics": 5}')
    .chain(nested),
);
const EVENT = fc
  .constantFrom(
    '{"metrics": {"m1": 12, "m2": 1.5}}',
    '{"metrics":{"m2":1e3,"other":[1.0]},"rest":"x"}',
    '{"metrics": {"m1": "7"}}',
    '{}',
  )
  .chain(nested);
/** What a column of JSON takes from both: text is none in CSV. */
const JSON_VALUE = fc
  .constantFrom('[1, "é", {"a": null}]', '[ ]', '{"metrics": {"m1": 1, "m1": 2}}', '1.50', 'true')
  .map((text): Both => ({ json: text, csv: quoted(text) }));

const VALUES: Readonly<Record<string, fc.Arbitrary<Both>>> = {
  id: literal('1', '2', '9223372036854775807', '-7'),
  n: literal('0', '-12', '2147483647', '3.0'),
  price: literal('0.10', '12345678901234567890.123', '1e5', '-0'),
  ratio: literal('0.1', '-2.5E-3', '5'),
  ok: literal('true', 'false'),
  day: fc.constantFrom('2024-02-29', '20240131').map(asString),
  at: fc.constantFrom('2024-01-01T00:00:00Z', '2024-01-01 12:00+02').map(asString),
  name: TEXT,
  tags: JSON_VALUE,
  raw: JSON_VALUE,
  Name: TEXT,
  event: EVENT,
};

const RECORD = fc
  .tuple(
    ...FIELDS.map((name) => {
      const hasText = name !== 'tags' && name !== 'raw';
      return fc.oneof(
        { weight: name === 'id' ? 0 : 10, arbitrary: NONE },
        { weight: 50, arbitrary: VALUES[name]! },
        { weight: hasText ? 1 : 0, arbitrary: ODD },
        { weight: name === 'id' || !hasText ? 0 : 3, arbitrary: fc.constant(asString('')) },
      );
    }),
  )
  .chain((values) =>
    fc.shuffledSubarray([...FIELDS.keys()], { minLength: FIELDS.length }).map((order) => ({
      csv: values.map(({ csv }) => csv).join(','),
      json: `{${order
        .filter((i) => values[i]!.json !== undefined)
        .map((i) => `${JSON.stringify(FIELDS[i])}: ${values[i]!.json}`)
        .join(', ')}}`,
    })),
  );

/** The rows without their places, which are others in another file. */
const rowsOf = ({ rows }: Outcome) => rows.map((row) => row.replace(/^\d+\+\d+ line \d+: /, ''));

/** Code and column of each reject, by its record. */
const faultsOf = ({ rejects }: Outcome) =>
  rejects.map((line) => /^\d+\+\d+ line \d+: (\w+ in \w+)/.exec(line)?.[1]);

describe('records that a CSV file has, too', () => {
  it(
    'give the same rows, and the same rejects',
    async () => {
      let [rows, rejects] = [0, 0];
      await fc.assert(
        fc.asyncProperty(fc.array(RECORD, { maxLength: 8 }), async (records) => {
          const lines = Buffer.from(records.map(({ json }) => `${json}\n`).join(''));
          const fields = Buffer.from(records.map(({ csv }) => `${csv}\n`).join(''));
          const { outcome: found } = await load(lines, targetOf('reject'), BY_CSV);
          const { outcome: expected } = await load(fields, BY_HEADER, BY_CSV);
          expect(faultsOf(found)).toEqual(faultsOf(expected));
          expect(rowsOf(found)).toEqual(rowsOf(expected));
          rows += found.rows.length;
          rejects += found.rejects.length;
          expect(found.unknown).toEqual(expected.unknown);
          expect(found.corrections).toEqual(expected.corrections);
        }),
        { numRuns: Math.round(CASES * 0.4) },
      );
      expect(rows).toBeGreaterThan(CASES * 0.1);
      expect(rejects).toBeGreaterThan(CASES * 0.1);
    },
    TIMEOUT_MS,
  );
});

const OTHER_MEMBERS = [
  '"new": 1',
  '"other": {"x": [1.0]}',
  '"note": "n"',
  '"new": 2',
  '"id": 1',
  '"a\\u0000": 1',
];
const LINE = fc.oneof(
  { weight: 6, arbitrary: RECORD.map(({ json }) => json) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(RECORD, fc.constantFrom(...OTHER_MEMBERS))
      .map(([{ json }, member]) =>
        json.replace(/\}$/, json === '{}' ? `${member}}` : `, ${member}}`),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', ' ', 'x', '[1]', '{"id": 1', '{"id": "\\ud800"}', '{}}'),
  },
);
const FILE = fc
  .tuple(
    fc.array(fc.tuple(LINE, fc.constantFrom('\n', '\n', '\r\n')), { maxLength: 8 }),
    fc.boolean(),
  )
  .map(([lines, isOpen]) => {
    const text = lines.map(([line, end]) => line + end).join('');
    return Buffer.from(isOpen ? text.replace(/\r?\n$/, '') : text);
  });
const DAMAGED = fc
  .tuple(FILE, fc.nat(), fc.nat(255), fc.constantFrom('set', 'drop', 'add'))
  .map(([file, place, byte, how]) => {
    const at = place % (file.length + 1);
    const [head, tail] = [file.subarray(0, at), file.subarray(how === 'add' ? at : at + 1)];
    return Buffer.concat([head, how === 'drop' ? Buffer.alloc(0) : Buffer.of(byte), tail]);
  });
const NOISE = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const RULE = fc.constantFrom<OnNewField>('reject', 'ignore', 'keep');

const MANNERS: fc.Arbitrary<Manner> = fc.record({
  usesByteLane: fc.boolean(),
  wantsOrdinals: fc.boolean(),
  writeBatchSize: fc.constantFrom(1, 2, 3, 100_000),
  windowBytes: fc.constantFrom(WINDOW_BYTES, 1, 50, 200),
  readBytes: fc.oneof(
    fc.constant([WINDOW_BYTES]),
    fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 }),
  ),
  litter: fc.constantFrom('', '\n', '}', '"', '{"id": 1}\n'),
  recycles: fc.boolean(),
  untils: fc.constant([]),
});

describe('whatever the file', () => {
  it.each([
    ['for records with other keys', 0.3, FILE],
    ['for damaged files', 0.3, DAMAGED],
    ['for noise', 0.1, NOISE],
  ] as const)(
    'reads and splits do not show in what comes out, %s',
    async (_, share, files) => {
      const ends = fc.array(fc.nat(), { maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(files, RULE, MANNERS, ends, async (bytes, onNew, manner, places) => {
          const target = targetOf(onNew);
          const { outcome: expected } = await load(bytes, target, BY_CSV);
          const length = bytes.length + 1;
          const untils = places.map((place) => place % length).sort((a, b) => a - b);
          for (const way of [BY_LANE, manner, { ...manner, untils }]) {
            const { outcome } = await load(bytes, target, way);
            expect(outcome).toEqual(expected);
          }
        }),
        { numRuns: Math.round(CASES * share) },
      );
    },
    TIMEOUT_MS,
  );

  it(
    'and every line but blank ones is a row or a reject, byte for byte',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.oneof(FILE, DAMAGED, NOISE), RULE, async (bytes, onNew) => {
          const { outcome } = await load(bytes, targetOf(onNew), BY_CSV);
          const lines = bytes.toString('latin1').split('\n');
          const records = lines
            .map((line) => line.replace(/\r$/, ''))
            .filter((line) => /[^ \t\r]/.test(line));
          expect(outcome.recordCount).toBe(records.length);
          expect(outcome.lineCount).toBe(lines.length - 1);
          expect(outcome.rows.length + outcome.rejects.length).toBe(records.length);
          for (const reject of outcome.rejects) {
            const [, at, length] = /^(\d+)\+(\d+) /.exec(reject)!;
            const raw = bytes.toString('latin1', Number(at), Number(at) + Number(length));
            expect(records).toContain(raw);
            expect(reject.endsWith(`: ${raw}`)).toBe(true);
          }
        }),
        { numRuns: Math.round(CASES * 0.3) },
      );
    },
    TIMEOUT_MS,
  );

  it('other keys are counted once for each record that has them', async () => {
    const bytes = Buffer.from(
      ['{"id": 1, "new": 1}', '{"id": 2, "new": 1, "x y": 2}', '{"id": 3}', '{"id": "x", "new": 1}']
        .map((line) => `${line}\n`)
        .join(''),
    );
    for (const [onNew, counted] of [
      ['ignore', 'passed-over'],
      ['keep', 'kept'],
    ] as const) {
      const { outcome } = await load(bytes, targetOf(onNew), BY_CSV);
      expect(outcome.corrections).toEqual([
        'computed sum: 3',
        'default lower: 3',
        `${counted} new: 2`,
        `${counted} x y: 1`,
      ]);
    }
  });

  it('names without end are counted together', async () => {
    const bytes = Buffer.from(
      Array.from({ length: 150 }, (_, i) => `{"id": ${i}, "k${i}": 1, "l${i}": 1}\n`).join(''),
    );
    const { outcome } = await load(bytes, targetOf('ignore'), BY_CSV);
    const others = outcome.corrections.filter((key) => key.startsWith('passed-over'));
    expect(others).toHaveLength(101);
    expect(others).toContain('passed-over …: 100');
  });
});
