/**
 * Two lanes, one meaning, for lines of JSON: the byte lane followed by JSON.parse gives the same rows,
 * rejects, counts, lines and references as the other lane alone, wherever reads and splits cut the file.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WINDOW_BYTES } from '../../src/lanes/assembly/layout.js';
import { COLUMN_TYPES, type ColumnType } from '../../src/model/types.js';
import { correctedShapes } from './corrected-shapes.js';
import {
  damagedLines,
  type LineShape,
  lineFilesOf,
  lineShapes,
  lineTargetOf,
  plainLines,
  SomeLines,
} from './json-lines.js';
import {
  BROKEN,
  describeBothLanes,
  expectSameBy,
  MOSTLY_ODD,
  MOSTLY_PLAIN,
} from './lane-properties.js';
import { BY_LANE, load } from './loading.js';
import { EVENTS, EVERY_TYPE, eventShapes, type Shape, shapes } from './shapes.js';

const LITTER = [
  '',
  '"',
  '\n',
  '9',
  '"}\n',
  ',"f0":1}\n',
  '}',
  ' ',
  ']',
  'e5',
  'ull',
  '\\"',
  '\xc3',
];

const eventLines = lineShapes(eventShapes);
const lines = lineShapes(shapes);
const correctedLines = lineShapes(correctedShapes);
const expectSame = expectSameBy(lineTargetOf);

describeBothLanes<LineShape>({
  expectSame,
  litter: LITTER,
  properties: [
    ['for events', 0.14, lineFilesOf(eventLines, MOSTLY_PLAIN)],
    ['for events, most of them odd', 0.14, lineFilesOf(eventLines, MOSTLY_ODD)],
    ['for tables of all shapes', 0.15, lineFilesOf(lines, MOSTLY_PLAIN)],
    ['for odd values in tables of all shapes', 0.2, lineFilesOf(lines, MOSTLY_ODD)],
    ['for broken lines', 0.1, lineFilesOf(lines, BROKEN)],
    ['for damaged events', 0.08, damagedLines(lineFilesOf(eventLines, MOSTLY_PLAIN))],
    ['for damaged files of all shapes', 0.1, damagedLines(lineFilesOf(lines, MOSTLY_PLAIN))],
    ['for corrected columns', 0.1, lineFilesOf(correctedLines, MOSTLY_PLAIN)],
    ['for odd values in corrected columns', 0.1, lineFilesOf(correctedLines, MOSTLY_ODD)],
    ['for broken lines of corrected columns', 0.05, lineFilesOf(correctedLines, BROKEN)],
  ],
  forSplits: fc.oneof(
    lineFilesOf(eventLines, MOSTLY_PLAIN),
    damagedLines(lineFilesOf(lines, MOSTLY_PLAIN)),
  ),
  forReads: fc.oneof(
    lineFilesOf(eventLines, { ...MOSTLY_PLAIN, maxRecords: 4 }),
    lineFilesOf(lines, { ...MOSTLY_ODD, maxRecords: 2 }),
    damagedLines(lineFilesOf(lines, { ...MOSTLY_PLAIN, maxRecords: 3 })),
  ),
  mostCuts: 600,
});

const PLAIN: Omit<LineShape, keyof Shape> = { onNew: 'reject', names: {} };

function withFields(...fields: Shape['fields']): LineShape {
  return { ...EVENTS, ...PLAIN, fields };
}

const nullable = (type: ColumnType, refers = false) =>
  ({ kind: 'column', type, isNullable: true, refers }) as const;

describe('large files', () => {
  const shape = withFields(nullable('int', true), nullable('text'));
  const plain = (i: number) => `{"f0":${i},"f1":"plain \\"${i}\\" é"}`;
  const odd = (i: number) => `{"\\u00660":${i},"f1":"x"}`;
  const many = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i));
  const files: readonly (readonly [name: string, lines: readonly string[]])[] = [
    ['more rows than the lane writes at once', many(70_000, (i) => `{"f0":${i}}`)],
    ['more text than it writes at once', many(12_000, (i) => `{"f1":"${'text '.repeat(50)}${i}"}`)],
    ['more references than it holds', many(40_000, (i) => `{"f0":${70_000 + 7 * i},"f1":null}`)],
    ['lines for either lane in turn', many(5000, (i) => (i % 3 === 0 ? odd(i) : plain(i)))],
    ['keys in other orders', many(5000, (i) => (i % 9 < 4 ? plain(i) : `{"f1":"y","f0":${i}}`))],
    [
      'lines larger than a window',
      many(4, (i) => `{"f0":${i},"f1":"${'é\\n'.repeat(i * 100_000)}"}`),
    ],
  ];
  it.each(files)('%s', async (_, records) => {
    const file = new SomeLines(shape, Buffer.from(`${records.join('\n')}\n`));
    const untils = [1, 2, 3].map((n) => Math.floor((file.bytes.length * n) / 4));
    await expectSame(file, [
      BY_LANE,
      { ...BY_LANE, writeBatchSize: 100_000, readBytes: [WINDOW_BYTES, 65_537, 100_003] },
      { ...BY_LANE, wantsOrdinals: true, writeBatchSize: 999, readBytes: [40_000] },
      { ...BY_LANE, wantsOrdinals: true, untils },
      { ...BY_LANE, writeBatchSize: 100_000, recycles: false },
    ]);
  });
});

it('texts that refer to others, in any order', async () => {
  const shape = withFields(nullable('text', true), nullable('text', true), nullable('int'));
  const records = Array.from(
    { length: 2000 },
    (_, i) => `{"f2":${i},"f1":"${'x'.repeat(i % 40)}${i}","f0":"${i % 7}"}`,
  );
  const file = new SomeLines(shape, Buffer.from(`${records.join('\n')}\n`));
  const { outcome, laneRows } = await load(file.bytes, lineTargetOf(shape), BY_LANE);
  expect(laneRows).toBe(2000);
  expect(outcome.references).toHaveLength(2007);
  await expectSame(file, [BY_LANE, { ...BY_LANE, writeBatchSize: 3 }]);
});

it.each(['ignore', 'keep'] as const)('keys to %s, once they were met', async (onNew) => {
  const shape: LineShape = { ...withFields(nullable('int')), onNew };
  const records = Array.from(
    { length: 3000 },
    (_, i) => `{"a":${i},"f0":1,"é":"x\\n","name ${i < 200 ? i : i % 90}":null}`,
  );
  records.push(
    '{"a":1,"a":1}',
    '{"a":1,"a":2}',
    '{"a":[{"b":1,"b":2}]}',
    '{"a":1e9999}',
    '{"a":x}',
  );
  const file = new SomeLines(shape, Buffer.from(`${records.join('\n')}\n`));
  const { laneRows } = await load(file.bytes, lineTargetOf(shape), BY_LANE);
  expect(laneRows).toBeGreaterThan(2500);
  await expectSame(file, [BY_LANE, { ...BY_LANE, wantsOrdinals: true }]);
});

describe('the byte lane takes', () => {
  const expectTaken = async (shape: LineShape, line: string, isTaken = true) => {
    const { laneRows } = await load(Buffer.from(`${line}\n`), lineTargetOf(shape), BY_LANE);
    expect([line, laneRows]).toEqual([line, isTaken ? 1 : 0]);
  };

  it('events, whose metrics are an object or the text of one', async () => {
    const shape: LineShape = { ...EVENTS, ...PLAIN };
    const head =
      '{"f0":1,"f1":"2024-01-01 00:00:00","f2":"2024-01-01T00:00:00Z","f3":4,"f4":84,"f5":';
    await expectTaken(shape, `${head}{"metrics": {"metric_one": 83, "metric_n": 58225}}}`);
    await expectTaken(
      shape,
      `${head}"{\\"metrics\\": {\\"metric_one\\": 83, \\"metric_n\\": 5}}"}`,
    );
    await expectTaken(shape, `${head}null}`);
    await expectTaken(shape, `${head}""}\r`);
    await expectTaken(shape, '{ "f5" : {"metrics":{"metric_two":1}} ,\t"f0" : "7" }');
    await expectTaken(shape, `${head}{"metrics": {"metric_other": 83}}}`, false);
  });

  const texts = withFields(nullable('text'), nullable('jsonb'), { kind: 'ignored' });
  it.each([
    ['escapes', '{"f0":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00"}', true],
    ['other values as text', '{"f0":1.50e3}', true],
    ['a nested value as text', '{"f0":{"a" : [1, "\\u0000"]}}', true],
    ['documents', '{"f1":{"a":[1,"\\n",null,{}]},"f0":"é"}', true],
    ['a string of JSON', '{"f1":"{\\"a\\":1}"}', true],
    ['keys that are ignored', '{"f2":[{"a":"\\u0000"}],"f0":"x","f2":1}', true],
    ['nothing', '{ }', true],
    ['half of a surrogate pair', '{"f0":"\\ud83d"}', false],
    ['two second halves of pairs', '{"f0":"\\udc00\\udc00"}', false],
    ['NUL', '{"f0":"\\u0000"}', false],
    ['a key twice', '{"f0":"x","f0":"x"}', false],
    ['another key', '{"f0":"x","f9":1}', false],
    ['a key with an escape', '{"\\u00660":"x"}', false],
    ['a value that is no JSON', '{"f2":[1,],"f0":"x"}', false],
    ['what is not an object', '["f0"]', false],
    ['something behind the object', '{"f0":"x"} 1', false],
  ] as const)('or leaves %s', (_, line, isTaken) => expectTaken(texts, line, isTaken));

  it.each(COLUMN_TYPES)('plain values of %s, in any order', async (type) => {
    const metrics = { kind: 'source', path: [], metrics: [{ key: 'a', type }] } as const;
    const shape = withFields(nullable(type), metrics, nullable('int'));
    const left: string[] = [];
    for (const line of plainLines(shape, 500)) {
      const file = Buffer.from(`${line}\n`, 'latin1');
      const { laneRows } = await load(file, lineTargetOf(shape), BY_LANE);
      if (laneRows === 0) left.push(line);
    }
    expect(left).toEqual([]);
  });

  it('lines with a value of every type', async () => {
    const shape: LineShape = { ...EVERY_TYPE, ...PLAIN };
    const bytes = Buffer.from(
      plainLines(shape, 300)
        .map((line) => `${line}\n`)
        .join(''),
      'latin1',
    );
    const { laneRows } = await load(bytes, lineTargetOf(shape), BY_LANE);
    expect(laneRows).toBe(300);
    await expectSame(new SomeLines(shape, bytes), [BY_LANE]);
  });
});
