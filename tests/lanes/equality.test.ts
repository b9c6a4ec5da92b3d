/**
 * Two lanes, one meaning: for any bytes, the byte lane followed by the csv lane gives the same
 * rows, rejects, counts, lines and references as the csv lane alone, wherever reads and splits cut
 * the file.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLAN, WINDOW_BYTES } from '../../src/lanes/assembly/layout.js';
import { COLUMN_TYPES, type ColumnType } from '../../src/model/types.js';
import { laneMemory } from '../support/lane.js';
import { correctedShapes } from './corrected-shapes.js';
import { damaged, filesOf, noise, SomeFile } from './files.js';
import {
  BROKEN,
  describeBothLanes,
  expectSameBy,
  MOSTLY_ODD,
  MOSTLY_PLAIN,
  SEED,
} from './lane-properties.js';
import { BY_LANE, load } from './loading.js';
import { recordsOf } from './records.js';
import { EVENTS, EVERY_TYPE, eventShapes, type Shape, shapes, targetOf } from './shapes.js';

const LITTER = ['', '"', '\n', '9', '"\n', ',1\n', '}', '"}}"\n', '\r\n', ' ', 'e', ':59', '\xc3'];

const expectSame = expectSameBy(targetOf);

describeBothLanes<Shape>({
  expectSame,
  litter: LITTER,
  properties: [
    ['for events', 0.14, filesOf(eventShapes, MOSTLY_PLAIN)],
    ['for events, most of them odd', 0.14, filesOf(eventShapes, MOSTLY_ODD)],
    ['for tables of all shapes', 0.15, filesOf(shapes, MOSTLY_PLAIN)],
    ['for odd values in tables of all shapes', 0.2, filesOf(shapes, MOSTLY_ODD)],
    ['for broken records', 0.1, filesOf(shapes, BROKEN)],
    ['for damaged events', 0.08, damaged(filesOf(eventShapes, MOSTLY_PLAIN))],
    ['for damaged files of all shapes', 0.07, damaged(filesOf(shapes, MOSTLY_PLAIN))],
    ['for noise', 0.04, noise(shapes)],
    ['for corrected columns', 0.1, filesOf(correctedShapes, MOSTLY_PLAIN)],
    ['for odd values in corrected columns', 0.1, filesOf(correctedShapes, MOSTLY_ODD)],
    ['for broken records of corrected columns', 0.05, filesOf(correctedShapes, BROKEN)],
  ],
  forSplits: fc.oneof(
    filesOf(eventShapes, MOSTLY_PLAIN),
    filesOf(shapes, BROKEN),
    damaged(filesOf(shapes, MOSTLY_PLAIN)),
  ),
  forReads: fc.oneof(
    filesOf(eventShapes, { ...MOSTLY_PLAIN, maxRecords: 4 }),
    filesOf(eventShapes, { ...MOSTLY_ODD, maxRecords: 2 }),
    filesOf(shapes, { ...MOSTLY_ODD, maxRecords: 2 }),
    damaged(filesOf(shapes, { ...MOSTLY_PLAIN, maxRecords: 3 })),
  ),
});

const TABS: Shape = { ...EVENTS, delimiter: '\t' };
const METRICS = EVENTS.fields[5]!;

function withFields(fields: Shape['fields'], delimiter = ','): Shape {
  return { ...EVENTS, fields, delimiter };
}

/** A table of a number, which refers to another table, and metrics. */
function withMetrics(path: readonly string[], ...keys: readonly string[]): Shape {
  return withFields([
    EVENTS.fields[3]!,
    { kind: 'source', path, metrics: keys.map((key) => ({ key, type: 'int' as const })) },
  ]);
}

describe('every read size', () => {
  const event = '1,2024-01-01 00:00:00,2024-01-01T00:00:00.5Z,2,3,';
  const texts: Shape = withFields([
    { kind: 'column', type: 'text', isNullable: true, refers: false },
    { kind: 'ignored' },
    { kind: 'column', type: 'text', isNullable: false, refers: false },
  ]);
  const nullable = (type: ColumnType) =>
    ({ kind: 'column', type, isNullable: true, refers: false }) as const;
  const [json, numeric, double] = [nullable('jsonb'), nullable('numeric'), nullable('double')];
  const cases: readonly (readonly [name: string, Shape, text: string])[] = [
    ['an event', EVENTS, `${event}"{""metrics"": {""metric_one"": 1}}"\n`],
    ['an event without metrics', EVENTS, `${event}\n${event}""\r\n${event}`],
    ['bare JSON', TABS, '1\t\t""\t\t5\t{"metrics": {"metric_n": 1, "metric_one": -2}}\r\n'],
    ['a reference of a record that is rejected', EVENTS, '1,,,77,78,x\n2,,,79,x,\n'],
    ['a reference cut by a read', EVENTS, '1,,,1234567,7654321,\n2,,,12345,,\n'],
    ['blank lines', texts, '\n\r\n\na,b,c\n\n\r\n'],
    ['blank lines of one field', withFields([texts.fields[0]!]), '\n\r\n""\n\na\n\n\r\n'],
    ['JSON', withFields([json]), '"{""a"":[1,true,{}]}"\n1\n[ ]\n"\n""\\u00e9é""\n"\n"{""a"":}"\n'],
    ['bare JSON beside tabs', withFields([json, json], '\t'), '{"a":"b"}\t[""]\n"a"\t"""a"""\n'],
    ['numbers', withFields([numeric, double]), '1.10,1e5\n-.5,5.\n"+7","-0"\n00,1.5E-7\n'],
    ['a CR that ends no line', texts, 'a,b,c\r\r\na\rb,c,d\na,b\r,c\n"a"\r,b,c\n'],
    ['line ends inside quotes', texts, '"\n\n","\r\n\n","a\r\nb"\r\na,b,c\n'],
    ['open quotes', texts, 'a,b,"c\nd,e,f\n"g,h,i\nj,k,l\n'],
    ['closing quotes followed by something', texts, '"a" ,b,c\nd,"e"f,g\nh,i,"j\nk"l\n'],
    ['a quote at the end', texts, 'a,b,c\na,b,"'],
    ['quoted and unquoted nothing', texts, ',,""\n"","",""\n,,\n'],
    ['characters cut by a read', texts, 'é,€,😀\n"é","€","😀"\n'],
    ['bytes that are no characters', texts, '\x80,\x80,a\na,\xc3,b\na,b,\xe2\x82\n\xc3,\xa9,c\n'],
    ['no declared metrics', withMetrics(['m']), '5,"{""m"":{}}"\n6,"{""m"":{""a"":1}}"\n7,\n'],
    ['the path alone', withMetrics(['m'], 'a'), '5,{}\n6,"{}"\n7,"{""m"":{}}"\n8,"{""m"":null}"\n'],
    ['a key with an escape', withMetrics([], 'n\n', '"'), '5,"{""\n"":1}"\n6,"{""n\n"":1}"\n'],
    ['a key with an escape, written so', withMetrics([], 'n\n'), '5,"{""n\\n"":1}"\n'],
    ['a path with an escape', withMetrics(['"'], 'a'), '5,"{""\n"":{""a"":1}}"\n'],
    ['a key that is no name', withMetrics([], '__proto__', 'a'), '5,"{""__proto__"":1}"\n'],
    ['an empty key', withMetrics([''], ''), '5,"{:{:1}}"\n'],
    ['a key of two metrics', withMetrics([], 'a', 'b', 'a'), '5,"{""a"":1,""b"":2}"\n'],
    ['a key twice', withMetrics([], 'a', 'b'), '5,"{""a"":1,""a"":1}"\n6,"{""a"":1,""a"":2}"\n'],
    ...[...'.-: +T0{}'].map(
      (delimiter) =>
        [
          `"${delimiter}" as the delimiter`,
          withFields(
            [
              { kind: 'column', type: 'double', isNullable: true, refers: false },
              { kind: 'column', type: 'timestamp', isNullable: true, refers: false },
              METRICS,
            ],
            delimiter,
          ),
          ['1.5', '"2024-01-01T00:00:00+02:00"', '"{""metrics"": {""metric_one"": 10}}"\n-7']
            .concat('2024-01-01 10:00:00', '{"metrics":{}}\n')
            .join(delimiter),
        ] as const,
    ),
  ];
  it.each(cases)('%s', async (_, shape, text) => {
    // Characters above ASCII stand for bytes where all are below 256; otherwise for their UTF-8.
    const bytes = Buffer.from(text, /[^\0-\xff]/.test(text) ? 'utf8' : 'latin1');
    const ways = Array.from({ length: bytes.length }, (_, i) => [
      [i + 1],
      [i + 1, 1, WINDOW_BYTES],
    ]).flat();
    await expectSame(
      new SomeFile(shape, bytes),
      LITTER.slice(0, 4).flatMap((_, turn) =>
        ways.map((readBytes, i) => ({
          ...BY_LANE,
          readBytes,
          litter: LITTER[(turn * 3 + i) % LITTER.length]!,
        })),
      ),
    );
  });
});

/** This many plain records. */
function plainRecords(shape: Shape, count: number): string[] {
  return fc.sample(recordsOf(shape).plain, { numRuns: count, ...SEED });
}

describe('large files', () => {
  const shape = withFields([
    EVENTS.fields[3]!,
    { kind: 'column', type: 'text', isNullable: true, refers: false },
  ]);
  const odd = (i: number) => `+${i},x`;
  const bad = (i: number) => `${i},"x`;
  const plain = (i: number) => `${i},"plain ""${i}"" é\n"`;
  const lines = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i));
  const files: readonly (readonly [name: string, lines: readonly string[]])[] = [
    ['more rows than the lane writes at once', lines(70_000, (i) => `${i},`)],
    ['more text than the lane writes at once', lines(12_000, (i) => `${i},${'text '.repeat(50)}`)],
    [
      'runs of records for the csv lane',
      [1, 2, 3, 1023, 2047, 2048, 2050, 5000].flatMap((n) => [
        ...lines(n, odd),
        ...lines(3, plain),
      ]),
    ],
    ['records for either lane in turn', lines(5000, (i) => (i % 3 === 0 ? odd(i) : plain(i)))],
    ['more references than the lane holds', lines(40_000, (i) => `${70_000 + 7 * i},${i % 9}`)],
    ['damage', lines(3000, (i) => (i % 100 === 0 ? bad(i) : i % 7 === 0 ? odd(i) : plain(i)))],
    ['records larger than a window', lines(4, (i) => `${i},"${'é\n'.repeat(i * 200_000)}"`)],
    [
      'broken records larger than a window',
      lines(5, (i) => (i === 3 ? bad(i) : `${i},${'x'.repeat(300_000)}`)),
    ],
  ];
  it.each(files)('%s', async (_, records) => {
    const file = new SomeFile(shape, Buffer.from(`${records.join('\n')}\n`));
    const untils = [1, 2, 3].map((n) => Math.floor((file.bytes.length * n) / 4));
    await expectSame(file, [
      BY_LANE,
      { ...BY_LANE, writeBatchSize: 100_000, readBytes: [WINDOW_BYTES, 65_537, 100_003] },
      { ...BY_LANE, wantsOrdinals: true, writeBatchSize: 999, readBytes: [40_000] },
      { ...BY_LANE, wantsOrdinals: true, untils },
      { ...BY_LANE, writeBatchSize: 100_000, recycles: false },
    ]);
  });

  it('more text references than the lane holds', async () => {
    const refers = { kind: 'column', type: 'text', isNullable: true, refers: true } as const;
    const texts = lines(50_000, (i) => `${i % 5},${'x'.repeat(i % 90)}${i},${i},é${i % 1000}`);
    const many = withFields([refers, refers, { kind: 'ignored' }, refers]);
    const records = [...texts, `1,${'y'.repeat(1024)},,`, `1,${'y'.repeat(1025)},,""`];
    const file = new SomeFile(many, Buffer.from(`${records.join('\n')}\n`));
    const { laneRows } = await load(file.bytes, targetOf(many), BY_LANE);
    expect(laneRows).toBe(50_001);
    await expectSame(file, [BY_LANE, { ...BY_LANE, writeBatchSize: 100_000 }]);
  });

  it('the byte lane goes on behind a record larger than a window', async () => {
    const long = `1,"${'é\n'.repeat(400_000)}"`;
    const records = [
      ...lines(1000, plain),
      long,
      ...lines(20_000, plain),
      long,
      ...lines(9, plain),
    ];
    const file = new SomeFile(shape, Buffer.from(`${records.join('\n')}\n`));
    const { laneRows } = await load(file.bytes, targetOf(shape), BY_LANE);
    expect(records.length - laneRows).toBeLessThan(10_000);
    await expectSame(file, [BY_LANE]);
  });
});

it('the static data of the assembly lies below what the facade writes', () => {
  expect(laneMemory.exports.staticEnd()).toBeLessThanOrEqual(PLAN);
});

describe('the byte lane takes', () => {
  const dialects: readonly (readonly [string, Partial<Shape>])[] = [
    ['comma and LF', {}],
    ['comma and CRLF', { lineEnd: '\r\n' }],
    ['tab and LF', { delimiter: '\t' }],
    ['tab and CRLF', { delimiter: '\t', lineEnd: '\r\n' }],
    ['semicolon', { delimiter: ';', hasLineage: false }],
  ];
  it.each(dialects)('plain records, %s', async (_, dialect) => {
    for (const kind of [EVENTS, EVERY_TYPE]) {
      const shape = { ...kind, ...dialect };
      const records = plainRecords(shape, 2000);
      const bytes = Buffer.from(records.map((text) => text + shape.lineEnd).join(''), 'latin1');
      const { outcome, laneRows } = await load(bytes, targetOf(shape), BY_LANE);
      expect(outcome.recordCount).toBe(records.length);
      expect(outcome.rejects).toEqual([]);
      expect(laneRows).toBeGreaterThan(0.99 * records.length);
    }
  });

  it.each(COLUMN_TYPES)('plain values of %s, in a field and as a metric', async (type) => {
    const metrics = [{ key: 'a', type }];
    const fields = [
      withFields([{ kind: 'column', type, isNullable: true, refers: false }]),
      withFields([{ kind: 'source', path: [], metrics }]),
    ];
    for (const shape of fields) {
      const records = plainRecords(shape, 1000);
      const left: string[] = [];
      for (const text of records) {
        const file = Buffer.from(`${text}\n`, 'latin1');
        const { laneRows } = await load(file, targetOf(shape), BY_LANE);
        if (laneRows === 0) left.push(text);
      }
      expect(left).toEqual([]);
    }
  });

  it('plain records between odd ones', async () => {
    // One in three has a number that is no integer: were it waited for, the window would grow.
    const odd = '1,,,2,3,"{""metrics"": {""metric_one"": 1.5}}"\n';
    const records = plainRecords(EVENTS, 20_000).map((text, i) =>
      i % 3 === 1 ? odd : `${text}\n`,
    );
    const bytes = Buffer.from(records.join(''), 'latin1');
    const { outcome, laneRows } = await load(bytes, targetOf(EVENTS), BY_LANE);
    expect(outcome.rejects).toHaveLength(Math.floor(records.length / 3) + 1);
    expect(laneRows).toBeGreaterThan(0.99 * (records.length - outcome.rejects.length));
  });
});
