/** Lines of change events → the fields of a row of the log. Whatever a line holds, it is a row or a reject. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toEventTable } from '../../../src/events/event-table.js';
import { EventParser } from '../../../src/formats/events/event-parser.js';
import { LineScanner } from '../../../src/formats/jsonl/line-scanner.js';
import { RecordBatch } from '../../../src/formats/text/record-batch.js';
import type { ParsedRecord } from '../../../src/formats/text/text-format.js';
import type { EventFormat } from '../../../src/model/file-settings.js';
import { Fault } from '../../../src/model/reject-codes.js';
import { parseModel } from '../../../src/model/schema.js';
import { cloudEvent } from '../../realize/event-lines.js';

/** Objects inherit a function of this name. */
const NAMED_AS_METHODS = Object.fromEntries([
  ['constructor', { type: 'text' as const, trim: true as const }],
]);
const MODEL = parseModel({
  accounts: {
    key: ['id', 'name'],
    version: 2,
    migrations: { 2: { rename: { old: 'meta', meta: 'other' }, drop: ['gone'] } },
    ignore: ['beside'],
    columns: {
      ...NAMED_AS_METHODS,
      id: 'int',
      name: 'text',
      amount: 'numeric',
      big: 'bigint',
      ratio: 'double',
      seen: 'timestamptz',
      day: 'date',
      meta: 'jsonb',
      other: 'json',
    },
  },
});
const CATALOG = JSON.stringify(MODEL.tables.map((table) => toEventTable(table)));

function parse(line: string | Buffer, format: EventFormat = 'cloudevents'): ParsedRecord {
  const bytes = Buffer.concat([Buffer.from(line), Buffer.from('\n')]);
  const batch = new RecordBatch(1);
  const scanner = new LineScanner();
  scanner.reset(0);
  scanner.scan(bytes, bytes.length, bytes.length, true, batch);
  let found: ParsedRecord | undefined;
  new EventParser({ format, encoding: 'utf-8', catalog: CATALOG }).parse(bytes, batch, (_, row) => {
    found = row;
  });
  return found!;
}

const KEY = { id: 1, name: 'a' };

/** A line with JSON that JSON.stringify would not write, in the place of "@". */
function lineWith(data: object, json: string, version = 2): string {
  const event = cloudEvent({ table: 'accounts', op: 'update', sequence: 1, key: KEY, version });
  return JSON.stringify({ ...event, data: { op: 'update', key: KEY, ...data } }).replaceAll(
    '"@"',
    json,
  );
}

const afterOf = (row: ParsedRecord) => (row instanceof Fault ? row : row[9]);

describe('an attribute that the model does not have', () => {
  const taken = (name: string, version: number) =>
    afterOf(parse(lineWith({ after: { day: '2026-01-01', [name]: 1 } }, '', version)));
  const TAKEN = '{"day":"2026-01-01"}';

  it.each([1, 2])('is refused in an event of version %i, of whichever the model is', (version) => {
    expect(taken('more', version)).toMatchObject({ code: 'bad_schema', column: 'more' });
  });

  it('goes where a step drops it, and only from older events', () => {
    expect(taken('gone', 1)).toBe(TAKEN);
    expect(taken('gone', 2)).toMatchObject({ code: 'bad_schema', column: 'gone' });
  });

  it.each([1, 2])('is passed over in version %i where the table ignores it', (version) => {
    expect(taken('beside', version)).toBe(TAKEN);
  });
});

describe('JSON of an attribute', () => {
  const numbers = ['1.50', '0.1000000000000000055511', '12345678901234567891', '1e400', '-0.0'];
  it.each([
    ...numbers,
    '{"a":[1.0,{"b":12345678901234567890}]}',
    '{"a": 1.50, "e": 1E5}',
    '"1.50"',
    '{"__proto__":{"n":1.50}}',
  ])('keeps %s', (json) => {
    expect(afterOf(parse(lineWith({ after: { meta: '@' } }, json)))).toBe(`{"meta":${json}}`);
  });

  it('is that of its own attribute, of several which a double cannot tell apart', () => {
    const line = lineWith({ after: { meta: '@', other: 1 }, before: { meta: 2, other: 3 } }, '0')
      .replace('"other":1', '"other":12345678901234567891')
      .replace('"meta":0', '"meta":12345678901234567892')
      .replace('"meta":2', '"meta":12345678901234567893')
      .replace('"other":3', '"other":{"n":12345678901234567894}');
    expect((parse(line) as string[]).slice(9, 11)).toEqual([
      '{"meta":12345678901234567892,"other":12345678901234567891}',
      '{"meta":12345678901234567893,"other":{"n":12345678901234567894}}',
    ]);
  });

  it('of an older version is found by its old name', () => {
    const line = lineWith({ after: { old: '@', meta: '1.0' } }, '12345678901234567891', 1);
    expect(afterOf(parse(line))).toBe('{"meta":12345678901234567891,"other":"1.0"}');
  });

  it.each([
    ['an object', { n: 1 }, '{"n":12345678901234567891}'],
    ['text', '{"n":1.50}', '{"n":1.50}'],
  ])('is kept in records of Debezium: %s', (_, meta, wanted) => {
    const source = { name: 's', schema: 'public', table: 'accounts', lsn: 5, ts_ms: 1 };
    const line = JSON.stringify({ op: 'u', source, ts_ms: 1, after: { ...KEY, meta } });
    const row = parse(line.replace('"n":1}', '"n":12345678901234567891}'), 'debezium');
    expect(afterOf(row)).toBe(`{"id":1,"name":"a","meta":${wanted}}`);
  });
});

describe('what PostgreSQL could not fold', () => {
  const named = (name: string) =>
    lineWith({ key: { id: 1, name }, after: { amount: '1' } }, '').replace('"subject":"1,a",', '');
  it.each([
    ['half of a pair of surrogates in the key', named('\ud800')],
    ['NUL in the key', named('\u0000')],
    ['NUL in the source', lineWith({ after: {} }, '').replace('edp:shop', 'a\\u0000b')],
    ['half of a pair in the id', lineWith({ after: {} }, '').replace('"id-', '"\\ud800-')],
    ['NUL in the transaction', lineWith({ after: {}, transaction: '@' }, '"\\u0000"')],
  ])('is a reject: %s', (_, line) => {
    expect(parse(line)).toMatchObject({ code: 'bad_json' });
  });
});

describe('errors of calculations', () => {
  it('are kept', () => {
    const row = parse(lineWith({ after: { amount: null }, errors: { amount: 'division' } }, ''));
    expect((row as string[])[11]).toBe('{"amount":"division"}');
    expect((parse(lineWith({ after: {} }, '')) as string[])[11]).toBeNull();
  });

  it.each([[{ amount: 1 }], ['text'], [[]]])('are texts by attribute, not %j', (errors) => {
    expect(parse(lineWith({ after: {}, errors }, ''))).toMatchObject({ code: 'bad_schema' });
  });
});

describe('a line', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  const debezium = (source: object, change: object = {}) =>
    JSON.stringify({ op: 'u', source: { table: 'accounts', ...source }, ts_ms: 1, ...change });
  const rejected: readonly (readonly [string, string, EventFormat?])[] = [
    ['nested too deep', deep],
    ['nested too deep inside', lineWith({ after: { meta: '@' } }, deep)],
    ['whose attributes are no object', lineWith({ after: 5 }, '', 1)],
    ['whose key is null', lineWith({ key: null, after: {} }, '', 1)],
    ['whose before is null', lineWith({ after: {}, before: null }, '', 1)],
    ['with an attribute __proto__', lineWith({ after: '@' }, '{"__proto__":{"a":1}}')],
    ['of the table constructor', lineWith({}, '').replace('accounts.updated', 'constructor.x')],
    ['of Debezium with a time that is none', debezium({ lsn: 1, ts_ms: 9e18 }), 'debezium'],
    ['of Debezium with op constructor', debezium({}, { op: 'constructor' }), 'debezium'],
    [
      'of Debezium with half a microsecond',
      debezium({ lsn: 1 }, { after: { ...KEY, seen: 1.5 } }),
      'debezium',
    ],
    [
      'of Debezium with an endless number',
      debezium({ lsn: 1 }, { after: { ...KEY, amount: { value: 'AQ==', scale: -1e9 } } }),
      'debezium',
    ],
    [
      'of Debezium with __proto__',
      debezium({ lsn: 1 }, { after: KEY }).replace('"id":1', '"id":1,"__proto__":{"a":1}'),
      'debezium',
    ],
    [
      'of Debezium with __proto__ and many digits',
      debezium({ lsn: 1 }, { after: KEY }).replace(
        '"id":1',
        '"id":1,"__proto__":{"a":12345678901234567890}',
      ),
      'debezium',
    ],
  ];
  it.each(rejected.map(([what, line, format = 'cloudevents']) => [what, line, format] as const))(
    '%s is a reject',
    (_, line, format) => {
      expect(parse(line, format)).toBeInstanceOf(Fault);
    },
  );

  it('of Debezium has the same values whatever else is long in it', () => {
    const row = parse(debezium({ lsn: 1 }, { after: { ...KEY, ratio: 1e20, big: 1 } }), 'debezium');
    const long = debezium({ lsn: 1 }, { after: { ...KEY, ratio: 1e20, big: 2 } });
    expect(afterOf(row)).toBe('{"id":1,"name":"a","ratio":100000000000000000000,"big":"1"}');
    expect(afterOf(parse(long.replace('"big":2', '"big":1234567890123456789'), 'debezium'))).toBe(
      '{"id":1,"name":"a","ratio":100000000000000000000,"big":"1234567890123456789"}',
    );
  });

  it('is a row or a reject, whatever its JSON', () => {
    const names = [...MODEL.tables[0]!.columns.map(({ name }) => name), 'old', 'gone', '__proto__'];
    const value = fc.oneof(
      fc.json().map((text) => JSON.parse(text) as unknown),
      fc.double(),
      fc.constantFrom(1e300, -1, 0.5, 1e15 + 0.5, '\ud800', '\u0000', '9'.repeat(500), 'NaN', ''),
    );
    const attributes = fc.oneof(
      { weight: 4, arbitrary: fc.dictionary(fc.constantFrom(...names), value) },
      { weight: 1, arbitrary: value },
    );
    const data = fc.record(
      {
        op: fc.constantFrom('create', 'update', 'delete', 'truncate', 'read', 'toString', 5),
        key: fc.oneof(fc.constant(KEY), attributes),
        after: attributes,
        before: attributes,
        errors: attributes,
        transaction: value,
        partial: value,
      },
      { requiredKeys: ['op'] },
    );
    const types: Readonly<Record<string, string>> = {
      create: 'created',
      update: 'updated',
      delete: 'deleted',
      truncate: 'truncated',
    };
    fc.assert(
      fc.property(data, fc.constantFrom(1, 2), (own, version) => {
        const event = cloudEvent({ table: 'accounts', op: 'update', sequence: 1, version });
        const type = `accounts.${types[String(own.op)] ?? 'read'}`;
        const row = parse(JSON.stringify({ ...event, type, data: own }));
        expect(row instanceof Fault ? row.reason : row).not.toBe('the line is nested too deep');
        expect(row instanceof Fault || row.length === 12).toBe(true);
      }),
      { numRuns: 2000 },
    );
    const letters = fc.constantFrom('c', 'u', 'd', 'r', 't', 'valueOf', null);
    const change = fc.record(
      {
        op: letters,
        source: fc.oneof(
          value,
          fc.dictionary(
            fc.constantFrom(
              'lsn',
              'scn',
              'pos',
              'file',
              'change_lsn',
              'ts_ms',
              'ts_us',
              'name',
              'txId',
              'db',
              'schema',
            ),
            value,
          ),
        ),
        after: attributes,
        before: attributes,
        ts_ms: value,
        ts_us: value,
        schema: value,
      },
      { requiredKeys: ['op', 'source'] },
    );
    fc.assert(
      fc.property(change, (own) => {
        const source = typeof own.source === 'object' ? { ...own.source, table: 'accounts' } : 1;
        const row = parse(JSON.stringify({ ...own, source }), 'debezium');
        expect(row instanceof Fault ? row.reason : row).not.toBe('the line is nested too deep');
        expect(row instanceof Fault || row.length === 12).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

const CREATE = { ...KEY, amount: '1' };

describe('an event that contradicts itself', () => {
  const base = cloudEvent({ table: 'accounts', op: 'create', sequence: 1, key: KEY, version: 2 });
  const event = (own: object, data: object = {}) =>
    JSON.stringify({ ...base, ...own, data: { op: 'create', key: KEY, after: CREATE, ...data } });

  it.each([
    ['another subject', event({ subject: '["1","b"]' }), 'bad_schema', /subject/],
    ['a subject that is no list', event({ subject: '1' }), 'bad_schema', /subject/],
    ['another key in after', event({}, { after: { ...CREATE, id: 2 } }), 'bad_schema', /key/],
    [
      'a key that comes twice',
      event({}).replace('"amount":"1"', '"amount":"1","amount":"2"'),
      'bad_record',
      /twice/,
    ],
    ['a time without a zone', event({ time: '2026-11-29T10:00:00' }), 'bad_record', /time/],
    [
      'version 0',
      event({ dataschema: 'schemas/accounts/change/v0.json' }),
      'bad_record',
      /version 0/,
    ],
  ])('is a reject: %s', (_, line, code, reason) => {
    expect(parse(line)).toMatchObject({ code, reason: expect.stringMatching(reason) });
  });

  it.each([
    ['no subject', event({ subject: undefined })],
    ['a subject with blanks', event({ subject: '[ "1", "a" ]' })],
    [
      'what looks like a member in a text',
      event({}, { after: { ...CREATE, meta: { a: '"b": 1' } } }),
    ],
    ['the same value twice', event({}).replace('"amount":"1"', '"amount":"1","amount":"1"')],
  ])('is not one with %s', (_, line) => {
    expect(parse(line)).not.toBeInstanceOf(Fault);
  });

  it('is of version 1 where it names no schema', () => {
    const row = parse(event({ dataschema: undefined }, { after: { ...CREATE, old: 5 } }));
    expect(afterOf(row)).toBe('{"id":1,"name":"a","amount":"1","meta":5}');
  });
});

describe('the reason of a reject', () => {
  it.each([
    [`{"specversion":"1.0","data":{"op":x}}`, /a JSON value was expected at byte 34/],
    ['{"specversion":', /at byte 15, but its end/],
    [lineWith({ after: { ratio: '@' } }, '1e400'), /out of range/],
    [lineWith({ after: { ratio: 'x' } }, ''), /a number is wanted/],
  ])('of %s', (line, reason) => {
    expect(parse(line)).toMatchObject({ reason: expect.stringMatching(reason) });
  });
});

describe('a value of Debezium', () => {
  const source = { name: 's', schema: 'public', table: 'accounts', lsn: 5, ts_ms: 1 };
  const line = (attribute: string, json: string) =>
    JSON.stringify({ op: 'u', source, ts_ms: 1, after: { ...KEY, [attribute]: '@' } }).replace(
      '"@"',
      json,
    );

  it.each([
    ['amount', '0.1234567890123456789', '"0.1234567890123456789"'],
    ['amount', '1.10', '"1.10"'],
    ['amount', '1.5e3', '"1500"'],
    ['ratio', '1.50', '1.5'],
    ['day', '-800000', '"0222-09-04 BC"'],
    ['day', '20000', '"2024-10-04"'],
    ['seen', '-62200000000000', '"0003-12-17T14:13:20.000000Z BC"'],
  ])('%s %s is %s', (attribute, json, wanted) => {
    expect(afterOf(parse(line(attribute, json), 'debezium'))).toBe(
      `{"id":1,"name":"a","${attribute}":${wanted}}`,
    );
  });

  it.each([
    ['meta', '"{a"'],
    ['other', '""'],
  ])('%s %s is a reject', (attribute, json) => {
    expect(parse(line(attribute, json), 'debezium')).toMatchObject({ code: 'bad_schema' });
  });
});
