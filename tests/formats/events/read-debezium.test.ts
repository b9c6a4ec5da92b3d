/** Envelopes of Debezium → the fields of a row of the log. */
import { describe, expect, it } from 'vitest';
import { toEventTable } from '../../../src/events/event-table.js';
import { EventParser } from '../../../src/formats/events/event-parser.js';
import { LineScanner } from '../../../src/formats/jsonl/line-scanner.js';
import { RecordBatch } from '../../../src/formats/text/record-batch.js';
import type { ParsedRecord } from '../../../src/formats/text/text-format.js';
import { Fault } from '../../../src/model/reject-codes.js';
import { parseModel } from '../../../src/model/schema.js';

const MODEL = parseModel({
  accounts: {
    key: ['id'],
    ignore: ['internal'],
    columns: {
      id: 'bigint',
      balance: 'numeric',
      born: 'date',
      seen: 'timestamptz',
      local: 'timestamp',
      meta: 'jsonb',
      owner: { type: 'text', field: 'owner_name', trim: true },
    },
  },
});
const CATALOG = JSON.stringify(MODEL.tables.map((table) => toEventTable(table)));

function parse(line: string): ParsedRecord {
  const bytes = Buffer.from(`${line}\n`);
  const batch = new RecordBatch(1);
  const scanner = new LineScanner();
  scanner.reset(0);
  scanner.scan(bytes, bytes.length, bytes.length, true, batch);
  let found: ParsedRecord | undefined;
  const parser = new EventParser({ format: 'debezium', encoding: 'utf-8', catalog: CATALOG });
  parser.parse(bytes, batch, (_, record) => {
    found = record;
  });
  return found!;
}

const SOURCE = {
  connector: 'postgresql',
  name: 'shop',
  db: 'app',
  schema: 'public',
  table: 'accounts',
  lsn: 33_880_920,
  txId: 771,
  ts_ms: 1_796_000_000_123,
};

const envelope = (change: object, source: object = SOURCE) =>
  JSON.stringify({ before: null, after: null, ts_ms: 1, source, ...change });

describe('a change of Debezium', () => {
  it('has table, key, place and time of its source', () => {
    const fields = parse(envelope({ op: 'c', after: { id: 17, owner_name: ' Ann ' } }));
    expect(fields).toEqual([
      'accounts',
      '["17"]',
      '33880920',
      'debezium:shop',
      expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5/),
      'create',
      '1',
      '2026-11-30T00:53:20.123000Z',
      '771',
      '{"id":"17","owner":"Ann"}',
      null,
      null,
    ]);
  });

  it.each([
    ['days', { born: 20_000 }, { born: '2024-10-04' }],
    ['microseconds', { seen: 1_796_000_000_123_456 }, { seen: '2026-11-30T00:53:20.123456Z' }],
    ['milliseconds', { local: 1_796_000_000_123 }, { local: '2026-11-30T00:53:20.123000' }],
    [
      'a time with a zone',
      { seen: '2026-11-30T01:53:20.5+01:00' },
      { seen: '2026-11-30T00:53:20.500000Z' },
    ],
    ['a number as text', { balance: '12.50' }, { balance: '12.50' }],
    ['JSON in a string', { meta: '{"a": [1]}' }, { meta: { a: [1] } }],
    ['what the source did not send', { meta: '__debezium_unavailable_value' }, {}],
    ['a field that is ignored', { internal: 1 }, {}],
    ['NULL', { balance: null }, { balance: null }],
  ])('reads %s', (_, written, read) => {
    const fields = parse(envelope({ op: 'u', after: { id: 1, ...written } })) as string[];
    expect(fields).not.toBeInstanceOf(Fault);
    expect(JSON.parse(fields[9]!)).toEqual({ id: '1', ...read });
  });

  it('keeps the digits of long integers, and reads numbers in base64 by the schema', () => {
    const schema = {
      fields: [
        {
          field: 'after',
          fields: [
            { field: 'id', type: 'int64' },
            {
              field: 'balance',
              name: 'org.apache.kafka.connect.data.Decimal',
              parameters: { scale: '2' },
            },
            { field: 'seen', name: 'io.debezium.time.MicroTimestamp' },
          ],
        },
      ],
    };
    const payload = envelope({ op: 'r', after: { balance: '/zg=', seen: 5 } });
    const line = `{"schema":${JSON.stringify(schema)},"payload":${payload.replace('"after":{', '"after":{"id":9223372036854775807,')}}`;
    const fields = parse(line) as string[];
    expect(JSON.parse(fields[9]!)).toEqual({
      id: '9223372036854775807',
      balance: '-2.00',
      seen: '1970-01-01T00:00:00.000005Z',
    });
  });

  it.each([
    ['lsn', SOURCE, '33880920'],
    [
      'a file and a place in it',
      { ...SOURCE, lsn: null, file: 'mysql-bin.000003', pos: 154 },
      '000003000000000154',
    ],
    [
      'change_lsn',
      { ...SOURCE, lsn: null, change_lsn: '00000027:00000758:0005' },
      String(0x00000027000007580005n),
    ],
    ['the time', { ...SOURCE, lsn: null }, '1796000000123'],
  ])('orders by %s', (_, source, sequence) => {
    const fields = parse(envelope({ op: 'd', before: { id: 1 } }, source)) as string[];
    expect(fields.slice(1, 3)).toEqual(['["1"]', sequence]);
  });

  it.each([
    ['null', 'bad_record'],
    [envelope({ op: 'm' }), 'bad_record'],
    [envelope({ op: 'c', after: { id: 1 } }, { ...SOURCE, table: 'others' }), 'unknown_table'],
    [envelope({ op: 'c', after: { id: 1, more: 2 } }), 'bad_schema'],
    [envelope({ op: 'c', after: { owner_name: 'no key' } }), 'bad_schema'],
  ])('refuses %s', (line, code) => {
    const fault = parse(line);
    expect(fault).toBeInstanceOf(Fault);
    expect((fault as Fault).code).toBe(code);
  });
});
