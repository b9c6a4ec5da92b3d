/** What is no record, the header line again and comments, is none in both lanes, wherever reads and splits cut the file. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HEADER_BYTES, WINDOW_BYTES } from '../../src/lanes/assembly/layout.js';
import { damaged, filesOf, SomeFile } from './files.js';
import { BY_CSV, BY_LANE, load, type Outcome, type Target } from './loading.js';
import { EVENTS, type Shape, shapes, targetOf } from './shapes.js';

const CASES = Number(process.env.LANES_CASES ?? 400);
const MARK = Buffer.from('\ufeff');

function withHeader(target: Target, header: Buffer): Target {
  const { recordForm } = target;
  if (recordForm.format !== 'csv') throw new Error('not a CSV');
  return { ...target, recordForm: { ...recordForm, header: header.toString('latin1') } };
}

/** What is left of an outcome without the records that have these bytes. */
function without(header: Buffer, bytes: Buffer, { rows, rejects }: Outcome) {
  const isOther = (entry: string) => {
    if (header.length === 0) return true;
    const [, offset, length] = /^(\d+)\+(\d+) /.exec(entry)!;
    const raw = bytes.subarray(Number(offset), Number(offset) + Number(length));
    return !raw.equals(header) && !raw.equals(Buffer.concat([MARK, header]));
  };
  return { rows: rows.filter(isOther), rejects: rejects.filter(isOther) };
}

async function expectPassedOver(
  { shape, bytes }: SomeFile,
  header: Buffer,
  untils: number[],
): Promise<void> {
  const target = targetOf(shape);
  const { outcome: all } = await load(bytes, target, BY_CSV);
  const { outcome: expected } = await load(bytes, withHeader(target, header), BY_CSV);
  const left = without(header, bytes, all);
  expect({ rows: expected.rows, rejects: expected.rejects }).toEqual(left);
  const passed = all.recordCount - expected.recordCount;
  expect(passed).toBe(
    all.rows.length + all.rejects.length - left.rows.length - left.rejects.length,
  );
  const counted = /^header: (\d+),/.exec(
    expected.passedOver.find((one) => /^header/.test(one)) ?? '',
  );
  expect(Number(counted?.[1] ?? 0)).toBe(passed);
  for (const manner of [
    BY_LANE,
    { ...BY_LANE, untils },
    { ...BY_LANE, readBytes: [7, 60], windowBytes: 200 },
  ]) {
    const { outcome } = await load(bytes, withHeader(target, header), manner);
    expect(outcome).toEqual(expected);
  }
}

/** A file, and a line of it that is put among the others again, here and there behind a mark. */
const repeated = (files: fc.Arbitrary<SomeFile>) =>
  fc
    .tuple(files, fc.nat(), fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 4 }))
    .map(([file, which, places]) => {
      const lines = file.bytes.toString('latin1').split('\n');
      const header = Buffer.from(lines[which % lines.length]!.replace(/\r$/, ''), 'latin1');
      for (const [place, hasMark] of places) {
        const line = (hasMark ? MARK.toString('latin1') : '') + header.toString('latin1');
        lines.splice(place % (lines.length + 1), 0, line);
      }
      return { file: new SomeFile(file.shape, Buffer.from(lines.join('\n'), 'latin1')), header };
    });

it.each([
  ['in files of all shapes', filesOf(shapes, { plain: 8, odd: 3, broken: 1, maxRecords: 6 })],
  ['in damaged files', damaged(filesOf(shapes, { plain: 8, odd: 3, broken: 1, maxRecords: 6 }))],
])(
  '%s',
  async (_, files) => {
    await fc.assert(
      fc.asyncProperty(
        repeated(files),
        fc.array(fc.nat(), { maxLength: 3 }),
        async ({ file, header }, places) => {
          const untils = places.map((at) => at % (file.bytes.length + 1)).sort((a, b) => a - b);
          await expectPassedOver(file, header, untils);
        },
      ),
      { numRuns: CASES },
    );
  },
  120_000 + CASES * 50,
);

it(
  'comments, which the lane leaves to the scanner',
  async () => {
    const signs = fc.constantFrom('#', '//', '1', '"', '-', 'abcdefgh', 'abcdefghi', '\r');
    const file = filesOf(shapes, { plain: 8, odd: 3, broken: 1, maxRecords: 6 });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(file, damaged(file)),
        signs,
        fc.array(fc.nat(), { maxLength: 4 }),
        async ({ shape, bytes }, comment, places) => {
          const lines = bytes.toString('latin1').split('\n');
          for (const place of places) lines.splice(place % lines.length, 0, `${comment}x,"y`);
          const text = Buffer.from(lines.join('\n'), 'latin1');
          const target = targetOf(shape);
          const form = target.recordForm as Extract<typeof target.recordForm, { format: 'csv' }>;
          const dialect = { ...form.dialect, comment };
          const commented = { ...target, recordForm: { ...form, dialect } };
          const { outcome: expected } = await load(text, commented, BY_CSV);
          for (const manner of [BY_LANE, { ...BY_LANE, readBytes: [5, 40], windowBytes: 100 }]) {
            expect((await load(text, commented, manner)).outcome).toEqual(expected);
          }
        },
      ),
      { numRuns: CASES },
    );
  },
  120_000 + CASES * 50,
);

it('a file with comments stays in the byte lane', async () => {
  const lines = Array.from({ length: 5000 }, (_, i) => (i % 100 === 0 ? '# x' : `${i},b`));
  const target = targetOf(TEXTS);
  const form = target.recordForm as Extract<typeof target.recordForm, { format: 'csv' }>;
  const recordForm = { ...form, dialect: { ...form.dialect, comment: '#' } };
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  const { laneRows, outcome } = await load(bytes, { ...target, recordForm }, BY_LANE);
  expect(outcome.recordCount).toBe(4950);
  expect(outcome.passedOver).toEqual(['comment: 50, 200 bytes']);
  expect(laneRows).toBeGreaterThan(4850);
});

const TEXT = { kind: 'column', type: 'text', isNullable: true, refers: false } as const;
const TEXTS: Shape = { ...EVENTS, fields: [TEXT, TEXT], delimiter: ',', lineEnd: '\n' };
const LONG = 'x'.repeat(HEADER_BYTES);

const CASES_OF_TEXT: readonly (readonly [
  name: string,
  header: string,
  text: string,
  passed: number,
])[] = [
  ['a table of texts', 'a,b', 'a,b\nc,d\na,b\r\n\ufeffa,b\ne,f\n', 3],
  ['one that ends the file', 'a,b', 'c,d\na,b', 1],
  ['lines that only begin like it', 'a,b', 'a,bc\na,b \na,b,\n"a,b",x\na,\n', 0],
  ['lines that only end like it', 'a,b', 'xa,b\n\ufeff\ufeffa,b\n,a,b\n', 0],
  ['another letter case, other quotes', 'a,b', 'A,b\n"a",b\na,"b"\n', 0],
  ['a quoted header with a line end', '"a\nx",b', 'c,d\n"a\nx",b\ne,f\n', 1],
  ['behind blank lines', 'a,b', '\n\na,b\n\n\nc,d\n\na,b\n', 2],
  ['a header longer than the lane keeps', `${LONG},b`, `${LONG},b\nc,d\n${LONG},c\n${LONG},b\n`, 2],
  ['a header as long as the lane keeps', `${LONG.slice(2)},b`, `${LONG.slice(2)},b\nc,d\n`, 1],
  ['eight bytes', 'abc,defg', 'abc,defg\nabc,defgh\nabc,def\n', 1],
  ['nine bytes', 'abcd,defg', 'abcd,defg\nabcd,def\nabcd,defx\n', 1],
  ['no header', '', '\n,\na,b\n\ufeff,\n', 0],
];

it.each(CASES_OF_TEXT)('%s', async (_, headerText, text, passed) => {
  const bytes = Buffer.from(text);
  const header = Buffer.from(headerText);
  const { outcome } = await load(bytes, withHeader(targetOf(TEXTS), header), BY_LANE);
  const all = await load(bytes, targetOf(TEXTS), BY_CSV);
  expect(all.outcome.recordCount - outcome.recordCount).toBe(passed);
  await expectPassedOver(new SomeFile(TEXTS, bytes), header, [Math.floor(bytes.length / 2)]);
});

it('leaves the lane at full speed: it takes all other records', async () => {
  const lines = Array.from({ length: 5000 }, (_, i) =>
    i % 100 === 0 ? 'a,b' : `${i},a,b`.slice(0, -2),
  );
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  const { laneRows, outcome } = await load(bytes, withHeader(targetOf(TEXTS), Buffer.from('a,b')), {
    ...BY_LANE,
    readBytes: [WINDOW_BYTES],
  });
  expect(outcome.recordCount).toBe(4950);
  // Behind each, the csv lane takes one record with it.
  expect(laneRows).toBeGreaterThan(4850);
});
