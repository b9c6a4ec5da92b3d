/** Tables of strings, written in any dialect: what a reader of that dialect must give back. */
import fc from 'fast-check';
import { type Dialect, PLAIN_DIALECT } from '../../../../src/formats/csv/dialect.js';
import type { LineEnd } from '../../../../src/model/csv-settings.js';

/** Byte strings; `null` is an unquoted empty field. */
export type TableRow = readonly (string | null)[];

const LINE_END: Readonly<Record<LineEnd, readonly string[]>> = {
  lf: ['\n', '\r\n'],
  crlf: ['\r\n'],
  cr: ['\r'],
  any: ['\n', '\r\n', '\r'],
};

/** @param lineEnds index of a line end for each record, of those that the dialect has */
export function writeTable(
  table: readonly TableRow[],
  dialect: Dialect,
  lineEnds: readonly number[] = [0],
  hasFinalLineEnd = true,
): string {
  const ends = LINE_END[dialect.lineEnd];
  let before = '';
  return table
    .map((row, i) => {
      const fields = row.map((field, j) => writeField(field, dialect, j === 0));
      const trailing = dialect.hasTrailingDelimiter ? dialect.delimiter : '';
      const text = fields.join(dialect.delimiter) + trailing;
      let end = ends[(lineEnds[i % lineEnds.length] ?? 0) % ends.length]!;
      // An LF alone behind a CR would be part of the line end before.
      if (text === '' && before === '\r' && end === '\n') end = '\r';
      before = end;
      return text + (hasFinalLineEnd || i < table.length - 1 ? end : '');
    })
    .join('');
}

function writeField(field: string | null, dialect: Dialect, isFirst: boolean): string {
  if (field === null) return '';
  const { quote, delimiter, comment } = dialect;
  const isBackslash = dialect.escape === 'backslash';
  if (quote === '') {
    return isBackslash
      ? field.replace(/[\\\r\n]/g, '\\$&').replaceAll(delimiter, `\\${delimiter}`)
      : field;
  }
  const isPlain =
    field !== '' &&
    !/[\r\n]/.test(field) &&
    !field.includes(quote) &&
    ![...delimiter].some((character) => field.includes(character)) &&
    !(isFirst && comment !== '' && field.startsWith(comment[0]!));
  if (isPlain) return field;
  const escaped = isBackslash
    ? field.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)
    : field.replaceAll(quote, quote + quote);
  return quote + escaped + quote;
}

/** Without quotes, not every field can be written. */
function isWritable(field: string | null, dialect: Dialect, isFirst: boolean): boolean {
  if (dialect.quote !== '' || field === null) return true;
  const { delimiter, comment } = dialect;
  if (field === '') return false;
  if (isFirst && comment !== '' && field.startsWith(comment[0]!)) return false;
  // Parts of a delimiter beside a delimiter would be read as one.
  if (delimiter.length > 1 && [...delimiter].some((character) => field.includes(character))) {
    return false;
  }
  if (dialect.escape === 'backslash') return true;
  return !/[\r\n]/.test(field) && !field.includes(delimiter);
}

const dialectParts = {
  delimiter: fc.constantFrom(
    ',',
    '\t',
    ';',
    '|',
    '^',
    ' ',
    ':',
    '\x1f',
    '||',
    '::',
    ', ',
    '|~|',
    'aab',
  ),
  quote: fc.constantFrom('"', '"', "'", ''),
  escape: fc.constantFrom<Dialect['escape']>('doubling', 'backslash'),
  lineEnd: fc.constantFrom<LineEnd>('lf', 'crlf', 'cr', 'any'),
  comment: fc.constantFrom('', '', '#', '//'),
  hasTrailingDelimiter: fc.boolean(),
  encoding: fc.constantFrom<Dialect['encoding']>('utf-8', 'utf-8', 'latin1', 'windows-1252'),
  width: fc.integer({ min: 1, max: 4 }),
};

export const dialects: fc.Arbitrary<Dialect> = fc
  .record(dialectParts)
  .map(({ width, ...parts }) => ({
    ...PLAIN_DIALECT,
    ...parts,
    fieldCount: width,
    // A record of one column that ends in a delimiter is not told from one of two.
    hasTrailingDelimiter: parts.hasTrailingDelimiter && width > 1,
    allowsBareQuotes: parts.delimiter === '\t',
  }));

const PIECES = [
  '"',
  "'",
  '""',
  ',',
  '\t',
  ';',
  '|',
  ':',
  '\n',
  '\r',
  '\r\n',
  '\\',
  'a',
  'b',
  ' ',
  '#',
  '/',
  '\x00',
  '\xe9',
  '\x80',
  '\xc3\xa9',
];

export function tablesOf(dialect: Dialect, maxRows = 5): fc.Arbitrary<TableRow[]> {
  const field = fc.option(
    fc.array(fc.constantFrom(...PIECES), { maxLength: 4 }).map((parts) => parts.join('')),
    { freq: 6 },
  );
  const row = fc
    .array(field, { minLength: dialect.fieldCount, maxLength: dialect.fieldCount })
    .map((fields) => fields.map((text, i) => (isWritable(text, dialect, i === 0) ? text : 'x')));
  return fc.array(row, { maxLength: maxRows });
}

export interface WrittenTable {
  readonly dialect: Dialect;
  readonly table: readonly TableRow[];
  readonly bytes: Buffer;
}

export const writtenTables: fc.Arbitrary<WrittenTable> = dialects.chain((dialect) =>
  fc
    .tuple(tablesOf(dialect), fc.array(fc.nat(2), { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([table, lineEnds, hasFinalLineEnd]) => {
      // An empty last line without a line end would be none.
      const last = table.at(-1);
      const isEmpty = last?.every((field) => field === null) === true;
      const text = writeTable(table, dialect, lineEnds, hasFinalLineEnd || isEmpty);
      return { dialect, table, bytes: Buffer.from(text, 'latin1') };
    }),
);
