/** Rows of COPY bytes: each column of an encoded record, and what a faulty record leaves behind. */
import { describe, expect, it } from 'vitest';
import { RowEncoder } from '../../src/lanes/row-encoder.js';
import { planTable } from '../../src/mapping/table-plan.js';
import { BUILTIN_MODEL } from '../../src/model/builtin.js';
import { findTable } from '../../src/model/model.js';
import { parseModel } from '../../src/model/schema.js';
import { COPY_HEADER, COPY_TRAILER, RowWriter } from '../../src/values/copy-binary.js';

/** The fields of each row, decoded by the format's own description; `null` for NULL. */
function decodeRows(bytes: Buffer): (Buffer | null)[][] {
  const rows: (Buffer | null)[][] = [];
  for (let at = 0; at < bytes.length; ) {
    const fieldCount = bytes.readInt16BE(at);
    at += 2;
    const fields = Array.from({ length: fieldCount }, () => {
      const length = bytes.readInt32BE(at);
      at += 4;
      if (length === -1) return null;
      at += length;
      return bytes.subarray(at - length, at);
    });
    rows.push(fields);
  }
  return rows;
}

const HEADER = ['event_metrics', 'id', 'recorded_date', 'first_dimension_id'];
const EVENTS = planTable(findTable(BUILTIN_MODEL, 'events')!, HEADER, 'events.csv');

/** The fields of one row of events, by column name. */
function encodeEvent(fields: (string | null)[]): Record<string, Buffer | null> {
  const writer = new RowWriter();
  expect(new RowEncoder(EVENTS, 7).encode(fields, writer)).toBeUndefined();
  const [row] = decodeRows(writer.takeRows());
  return Object.fromEntries(EVENTS.columns.map(({ name }, i) => [name, row![i]!]));
}

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const int64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};

describe('a record of events', () => {
  it('becomes a row: fields, metrics, what nobody declared, lineage', () => {
    const row = encodeEvent([
      '{"metrics":{"metric_n":3,"x":9,"metric_one":"1"}}',
      '12',
      '2000-01-01 00:00:01',
      '5',
    ]);
    expect(row).toEqual({
      id: int64(12n),
      recorded_date: int64(1_000_000n),
      first_dimension_id: int32(5),
      metric_one: int32(1),
      metric_two: null,
      metric_n: int32(3),
      extra_metrics: Buffer.from('\x01{"x":9}'),
      load_id: int64(7n),
    });
  });

  it('is a row without any metrics, too', () => {
    expect(encodeEvent([null, '12', null, ''])).toEqual({
      id: int64(12n),
      recorded_date: null,
      first_dimension_id: null,
      metric_one: null,
      metric_two: null,
      metric_n: null,
      extra_metrics: null,
      load_id: int64(7n),
    });
  });

  it('names the metrics nobody declared, and forgets them at the next', () => {
    const encoder = new RowEncoder(EVENTS, 7);
    const writer = new RowWriter();
    encoder.encode(['{"metrics":{"b":1,"a":2}}', '1', null, null], writer);
    expect(encoder.remarks.unknownMetrics).toEqual(['b', 'a']);
    encoder.encode(['{"metrics":{"metric_one":1}}', '2', null, null], writer);
    expect(encoder.remarks.unknownMetrics).toEqual([]);
  });

  it.each([
    ['the key is not a number', [null, 'x', null, null], 'bad_integer', 'id'],
    ['the key is missing', [null, null, null, null], 'null_value', 'id'],
    ['the key is a quoted nothing', [null, '', null, null], 'null_value', 'id'],
    ['a date is none', [null, '1', '2023-02-29', null], 'bad_timestamp', 'recorded_date'],
    [
      'a reference is too large',
      [null, '1', null, '99999999999'],
      'out_of_range',
      'first_dimension_id',
    ],
    ['the metrics are not JSON', ['{', '1', null, null], 'bad_json', 'event_metrics'],
    [
      'the metrics are not text',
      ['{"metrics":{"x":"\xff"}}', '1', null, null],
      'invalid_utf8',
      'event_metrics',
    ],
    [
      'a metric is a fraction',
      ['{"metrics":{"metric_two":1.5}}', '1', null, null],
      'bad_metric',
      'metric_two',
    ],
    [
      'a metric is a word',
      ['{"metrics":{"metric_two":"many"}}', '1', null, null],
      'bad_metric',
      'metric_two',
    ],
    [
      'a metric is an empty string',
      ['{"metrics":{"metric_two":""}}', '1', null, null],
      'bad_metric',
      'metric_two',
    ],
    [
      'a metric is a list',
      ['{"metrics":{"metric_two":[1]}}', '1', null, null],
      'bad_metric',
      'metric_two',
    ],
    [
      'a metric is true',
      ['{"metrics":{"metric_two":true}}', '1', null, null],
      'bad_metric',
      'metric_two',
    ],
    [
      'a metric is too large',
      ['{"metrics":{"metric_two":2147483648}}', '1', null, null],
      'out_of_range',
      'metric_two',
    ],
    [
      'an undeclared metric holds \\u0000',
      ['{"metrics":{"x":"\\u0000"}}', '1', null, null],
      'bad_json',
      'extra_metrics',
    ],
    [
      'an undeclared metric is too large for numeric',
      ['{"metrics":{"x":1e999999}}', '1', null, null],
      'bad_json',
      'extra_metrics',
    ],
  ])('is refused, and leaves nothing behind, when %s', (_, fields, code, column) => {
    const writer = new RowWriter();
    const encoder = new RowEncoder(EVENTS, 7);
    encoder.encode([null, '1', null, null], writer);
    const { byteLength } = writer;
    expect(encoder.encode(fields, writer)).toMatchObject({ code, column });
    expect([writer.byteLength, writer.rowCount]).toEqual([byteLength, 1]);
    encoder.encode([null, '2', null, null], writer);
    expect(decodeRows(writer.takeRows())).toHaveLength(2);
  });
});

describe('an empty field', () => {
  const TYPES = [
    'int',
    'double',
    'numeric',
    'boolean',
    'date',
    'timestamp',
    'uuid',
    'json',
    'jsonb',
    'text',
  ] as const;
  const [table] = parseModel({
    things: {
      columns: Object.fromEntries(TYPES.map((type) => [`a_${type}`, type])),
      lineage: false,
    },
  }).tables;
  const plan = planTable(
    table!,
    TYPES.map((type) => `a_${type}`),
    'things.csv',
  );

  it.each([
    ['unquoted: NULL in every column', null, TYPES.map(() => null)],
    [
      'quoted: the empty string of text, NULL in all others',
      '',
      TYPES.map((type) => (type === 'text' ? Buffer.alloc(0) : null)),
    ],
  ])('%s', (_, field, expected) => {
    const writer = new RowWriter();
    expect(
      new RowEncoder(plan, 1).encode(
        TYPES.map(() => field),
        writer,
      ),
    ).toBeUndefined();
    expect(decodeRows(writer.takeRows())).toEqual([expected]);
  });

  it('of a text column that needs a value is one only when quoted', () => {
    const strict = parseModel({
      things: { columns: { name: { type: 'text', nullable: false } }, lineage: false },
    });
    const encoder = new RowEncoder(planTable(strict.tables[0]!, ['name'], 'things.csv'), 1);
    expect(encoder.encode([null], new RowWriter())).toMatchObject({
      code: 'null_value',
      column: 'name',
    });
    expect(encoder.encode([''], new RowWriter())).toBeUndefined();
  });
});

describe('the writer', () => {
  it('frames a stream as COPY wants it', () => {
    expect(COPY_HEADER).toHaveLength(19);
    expect(COPY_HEADER.subarray(0, 11)).toEqual(Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'));
    expect(COPY_HEADER.subarray(11)).toEqual(Buffer.alloc(8));
    expect(COPY_TRAILER.readInt16BE()).toBe(-1);
  });

  it('puts an ordinal before the columns, where there is one', () => {
    const writer = new RowWriter();
    new RowEncoder(EVENTS, 7).encode([null, '1', null, null], writer, 41);
    const [row] = decodeRows(writer.takeRows());
    expect(row).toHaveLength(EVENTS.columns.length + 1);
    expect(row![0]).toEqual(int32(41));
  });

  it('grows with its rows, and starts anew when they are taken', () => {
    const writer = new RowWriter();
    const texts = Array.from({ length: 300 }, (_, i) =>
      String.fromCharCode(97 + (i % 26)).repeat(i * 17),
    );
    for (let round = 0; round < 2; round++) {
      for (const text of texts) {
        writer.beginRow(2);
        writer.text(text);
        writer.jsonb(text);
      }
      expect(writer.rowCount).toBe(texts.length);
      const rows = writer.takeRows();
      expect([writer.rowCount, writer.byteLength]).toEqual([0, 0]);
      expect(decodeRows(rows).map((fields) => fields.map((field) => field!.toString()))).toEqual(
        texts.map((text) => [text, `\x01${text}`]),
      );
    }
  });

  it('does not touch rows that were taken', () => {
    const writer = new RowWriter();
    writer.beginRow(1);
    writer.int32(1);
    const taken = writer.takeRows();
    const before = Buffer.from(taken);
    writer.beginRow(1);
    writer.int32(2);
    expect(taken).toEqual(before);
  });
});
