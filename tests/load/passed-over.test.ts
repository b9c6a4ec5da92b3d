/**
 * The equation of bytes: for files of any form, split at any place and loaded by any number of
 * workers, the records and the lines passed over are the whole text. Held against a plain computation
 * that knows of each line what it is, since it has written it.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';

const database = useTestDatabase('empty');

/** Files of one run; EQUATION_RUNS makes more of them. */
const FILES = 24;
const RUNS = Number(process.env.EQUATION_RUNS ?? 3);

const KINDS = ['comment', 'preamble', 'footer', 'blank', 'header'] as const;
type Kind = (typeof KINDS)[number] | 'record';

interface Piece {
  readonly kind: Kind;
  /** Without its line end. */
  readonly text: string;
}

interface MadeFile {
  readonly pieces: readonly Piece[];
  readonly lineEnd: string;
  readonly delimiter: string;
  readonly hasMark: boolean;
  readonly isEnded: boolean;
  readonly packing: 'none' | 'gzip' | 'utf-16le';
}

const header = (delimiter: string) => ['id', 'first name', 'note'].join(delimiter);

const pieces = (delimiter: string, lineEnd: string): fc.Arbitrary<Piece> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.tuple(fc.nat(99_999), fc.nat(5)).map(([id, form]): Piece => {
        const notes = [
          '',
          'plain',
          `"# no comment${lineEnd}${lineEnd}id"`,
          '"a ""b"""',
          'é€',
          'a"b',
        ];
        return { kind: 'record', text: [id, 'some one', notes[form]!].join(delimiter) };
      }),
    },
    { weight: 2, arbitrary: fc.constant<Piece>({ kind: 'blank', text: '' }) },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom('# note', '#', `# ${header(delimiter)}`, '#"a')
        .map((text): Piece => ({ kind: 'comment', text })),
    },
    { weight: 1, arbitrary: fc.constant<Piece>({ kind: 'header', text: header(delimiter) }) },
    {
      weight: 1,
      arbitrary: fc.constant<Piece>({ kind: 'header', text: `\ufeff${header(delimiter)}` }),
    },
  );

const files: fc.Arbitrary<MadeFile> = fc
  .record({
    delimiter: fc.constantFrom(',', ';', '\t'),
    lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
  })
  .chain(({ delimiter, lineEnd }) =>
    fc
      .record({
        preamble: fc.array(
          fc.constantFrom<Piece>(
            { kind: 'preamble', text: 'made today' },
            { kind: 'blank', text: '' },
            { kind: 'comment', text: '# of ours' },
          ),
          { maxLength: 3 },
        ),
        body: fc.array(pieces(delimiter, lineEnd), { minLength: 1, maxLength: 60, size: 'max' }),
        footer: fc.array(fc.constantFrom<Piece>({ kind: 'blank', text: '' }), { maxLength: 2 }),
        hasMark: fc.boolean(),
        isEnded: fc.boolean(),
        packing: fc.constantFrom('none', 'none', 'gzip', 'utf-16le'),
      })
      .map(({ preamble, body, footer, ...form }): MadeFile => {
        const last: Piece = { kind: 'record', text: ['7', 'last', 'x'].join(delimiter) };
        const all: Piece[] = [
          ...preamble,
          { kind: 'header', text: header(delimiter) },
          ...body,
          last,
          { kind: 'footer', text: 'Total 12' },
          ...footer,
        ];
        return { pieces: all, delimiter, lineEnd, ...form } as MadeFile;
      }),
  );

function textOf({ pieces: all, lineEnd, hasMark, isEnded }: MadeFile): string {
  const text = all.map((piece) => piece.text).join(lineEnd) + (isEnded ? lineEnd : '');
  return (hasMark ? '\ufeff' : '') + text;
}

/** The counts that the file must have. */
function expectedOf({ pieces: all, lineEnd, hasMark, isEnded, packing }: MadeFile) {
  const lines = { comment: 0, preamble: 0, footer: 0, blank: 0, header: 0 };
  const bytes = { records: 0, comment: 0, preamble: 0, footer: 0, blank: 0, header: 0 };
  let records = 0;
  for (const [i, { kind, text }] of all.entries()) {
    const hasEnd = i < all.length - 1 || isEnded;
    const length = Buffer.byteLength(text + (hasEnd ? lineEnd : ''));
    // The last line has neither bytes nor a line end: it is none.
    if (length === 0) continue;
    if (kind === 'record') {
      records++;
      bytes.records += length;
    } else {
      lines[kind]++;
      bytes[kind] += length;
    }
  }
  // The mark of UTF-16 is not part of its text.
  const byteOrderMark = hasMark && packing !== 'utf-16le' ? 3 : 0;
  return { records, passedOver: lines, byteCounts: { ...bytes, byteOrderMark } };
}

function bytesOf(file: MadeFile): Buffer {
  const text = textOf(file);
  if (file.packing === 'utf-16le') return Buffer.from(text, 'utf16le');
  return file.packing === 'gzip' ? gzipSync(text) : Buffer.from(text);
}

const LINE_ENDS: Readonly<Record<string, string>> = { '\n': 'lf', '\r\n': 'crlf', '\r': 'cr' };

function toYaml(all: readonly MadeFile[]): string {
  const tables = all.map(({ delimiter, lineEnd, packing, pieces: own }, i) => {
    const skipped = own.findIndex(({ kind }) => kind === 'header');
    const csv = {
      delimiter,
      quote: 'double',
      'line-end': LINE_ENDS[lineEnd],
      comment: '#',
      header: true,
      'skip-lines': skipped,
      'skip-footer': 1,
      ...(packing === 'utf-16le' ? { encoding: 'utf-16le' } : {}),
    };
    const columns = '{ id: int, "first name": text, note: text }';
    return `  t${i}x:\n    columns: ${columns}\n    csv: ${JSON.stringify(csv)}\n`;
  });
  return `tables:\n${tables.join('')}`;
}

it(
  'holds for any file, split size and number of workers',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(files, { minLength: FILES, maxLength: FILES, size: 'max' }),
        fc.constantFrom(1, 2, 3),
        fc.constantFrom(1, 2, 7, 100_000),
        async (all, workers, records) => {
          const cwd = await makeDirectory();
          await writeFile(path.join(cwd, 'edp.yaml'), toYaml(all));
          const names = all.map((_, i) => `t${i}x.csv`);
          for (const [i, file] of all.entries()) {
            await writeFile(path.join(cwd, names[i]!), bytesOf(file));
          }
          const on = ['--json', '--database-url', database.url] as const;
          const options = ['--process-count', `${workers}`, '--read-batch-size', `${records}`];
          const tried = await edp(['ingest', ...names, '--dry-run', ...options, ...on], { cwd });
          const run = await edp(['ingest', ...names, '--force', ...options, ...on], { cwd });
          expect([0, 3], run.stderr).toContain(run.status);
          for (const [i, file] of all.entries()) {
            const { passedOver, byteCounts, rows, loadId } = run.json.files[i]!;
            const { records: count, ...expected } = expectedOf(file);
            const why = JSON.stringify(textOf(file));
            expect({ passedOver, byteCounts }, why).toEqual(expected);
            expect(tried.json.files[i], why).toMatchObject(expected);
            expect(rows.read, why).toBe(count);
            const sum = Object.values(byteCounts!).reduce((total, bytes) => total + bytes, 0);
            const size =
              Buffer.byteLength(textOf(file)) -
              (file.packing === 'utf-16le' && file.hasMark ? 3 : 0);
            expect(sum, why).toBe(size);
            await expectInLedger(loadId!, size, expected);
          }
          const verified = run.json.files[workers]!.loadId!;
          const agreed = await edp(['verify', `${verified}`, ...on], { cwd });
          expect(agreed.json, agreed.stdout).toMatchObject({ ok: true });
        },
      ),
      // A smaller case would take minutes to find.
      { numRuns: RUNS, endOnFailure: true },
    );
  },
  120_000 + RUNS * 60_000,
);

async function expectInLedger(
  loadId: number,
  size: number,
  { passedOver, byteCounts }: Pick<ReturnType<typeof expectedOf>, 'passedOver' | 'byteCounts'>,
): Promise<void> {
  const [[head, tail, textBytes, dataStart]] = (await database.query(
    `SELECT head_passed_over, tail_passed_over, text_bytes, (file_format ->> 'dataStart')::bigint
     FROM edp.loads WHERE load_id = $1`,
    [loadId],
  )) as [[Stored, Stored, number, number]];
  const receipts = (await database.query(
    `SELECT start_byte, end_byte, record_bytes, passed_over FROM edp.receipts
     WHERE load_id = $1 ORDER BY 1`,
    [loadId],
  )) as [number, number, number, Stored][];
  expect(textBytes).toBe(size);
  let at = sumOf(head);
  expect(at).toBe(dataStart);
  for (const [start, end, recordBytes, stored] of receipts) {
    expect(start).toBe(at);
    expect(recordBytes + sumOf(stored)).toBe(end - start);
    at = end;
  }
  expect(at + sumOf(tail)).toBe(size);
  const all = [head, tail, ...receipts.map(([, , , stored]) => stored)];
  for (const kind of KINDS) {
    const total = (what: 'lines' | 'bytes') =>
      all.reduce((sum, stored) => sum + (stored[kind]?.[what] ?? 0), 0);
    expect([kind, total('lines'), total('bytes')]).toEqual([
      kind,
      passedOver[kind],
      byteCounts[kind],
    ]);
  }
}

type Stored = Readonly<Record<string, { lines: number; bytes: number }>>;

function sumOf(stored: Stored): number {
  return Object.values(stored).reduce((sum, { bytes }) => sum + bytes, 0);
}
