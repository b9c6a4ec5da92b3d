/** Files of every dialect, with what there is to find out about each. */
import type { CsvSettings } from '../../src/model/csv-settings.js';

export interface DialectFile {
  readonly name: string;
  readonly bytes: Buffer;
  /** What `edp inspect --json` says under `dialect`, where it is not {@link USUAL_DIALECT}. */
  readonly dialect: Readonly<Record<string, unknown>>;
  /** The settings that say the same. */
  readonly told: CsvSettings;
  /** Records in it that are none, such as a footer. */
  readonly rejected?: number;
  /** Names of its fields, where it has none of {@link NAMES}. */
  readonly names?: readonly string[];
}

/** The dialect of most files, as `--json` says it. */
export const USUAL_DIALECT: Readonly<Record<string, unknown>> = {
  delimiter: ',',
  quote: '"',
  escape: 'doubling',
  lineEnd: 'lf',
  header: true,
  linesBeforeHeader: 0,
  comment: null,
  trailingDelimiter: false,
  headerOneFieldShort: false,
  encoding: 'utf-8',
  byteOrderMark: false,
  compression: 'none',
};

export const NAMES = ['id', 'name', 'day', 'price'];

const TEXTS = [
  'Anna',
  'José',
  'Müller',
  'Smith, John',
  "O'Brien",
  'a;b',
  'Zoë',
  'say "hi"',
  'two words',
  'x',
];

/** The table that is in every file. */
export const ROWS: readonly (readonly string[])[] = Array.from({ length: 24 }, (_, i) => [
  `${i + 1}`,
  TEXTS[i % TEXTS.length]!,
  `2024-0${1 + (i % 9)}-1${i % 10}`,
  `${(i * 1.25).toFixed(2)}`,
]);

interface Form {
  readonly delimiter?: string;
  readonly quote?: string;
  readonly isBackslash?: boolean;
  readonly hasHeader?: boolean;
  readonly quotesAll?: boolean;
  readonly lineEnd?: (line: number) => string;
  readonly trailing?: string;
  readonly rows?: readonly (readonly string[])[];
}

function write({
  delimiter = ',',
  quote = '"',
  isBackslash = false,
  hasHeader = true,
  quotesAll = false,
  lineEnd = () => '\n',
  trailing = '',
  rows = ROWS,
}: Form = {}): string {
  const field = (text: string) => {
    const isSpecial = [delimiter, delimiter.trim() || delimiter, quote, '\n'].some((part) =>
      text.includes(part),
    );
    if (!quotesAll && !isSpecial) return text;
    const escaped = isBackslash
      ? text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)
      : text.replaceAll(quote, quote + quote);
    return quote + escaped + quote;
  };
  return [...(hasHeader ? [NAMES] : []), ...rows]
    .map((row, i) => row.map(field).join(delimiter) + trailing + lineEnd(i))
    .join('');
}

function file(
  name: string,
  text: string | Buffer,
  dialect: DialectFile['dialect'] = {},
  told: CsvSettings = {},
  more: Partial<DialectFile> = {},
): DialectFile {
  return { name, bytes: Buffer.from(text as string), dialect, told, ...more };
}

function delimited(name: string, delimiter: string): DialectFile {
  return file(name, write({ delimiter }), { delimiter }, { delimiter });
}

/** Text without the characters that Windows-1252 has and Latin-1 has not. */
const LATIN1_TEXT = write();
const CP1252_TEXT = write({
  rows: ROWS.map(([id, name, ...rest]) => [id!, `${name} – €`, ...rest]),
});

/** Windows-1252 bytes of a text. */
function cp1252(text: string): Buffer {
  return Buffer.from(text.replaceAll('€', '\x80').replaceAll('–', '\x96'), 'latin1');
}

export const PLACES = ['column_1', 'column_2', 'column_3', 'column_4'];

export const DIALECT_FILES: readonly DialectFile[] = [
  file('commas', write()),
  delimited('tabs', '\t'),
  delimited('semicolons', ';'),
  delimited('pipes', '|'),
  delimited('carets', '^'),
  delimited('tildes', '~'),
  delimited('spaces', ' '),
  delimited('colons', ':'),
  delimited('unit separators', '\x1f'),
  delimited('control A', '\x01'),
  delimited('section signs', '§'),
  delimited('two pipes', '||'),
  delimited('two colons', '::'),
  delimited('three signs', '|~|'),
  delimited('commas and blanks', ', '),
  delimited('pipes between blanks', ' | '),
  file('everything quoted', write({ quotesAll: true })),
  file('single quotes', write({ quote: "'", quotesAll: true }), { quote: "'" }, { quote: "'" }),
  file(
    'no quotes',
    `id\tname\tday\tprice\n${ROWS.map(([id, name, day, price]) => `${id}\t"${name}\t${day}\t${price}\n`).join('')}`,
    { delimiter: '\t', quote: null },
    { quote: '', delimiter: '\t' },
  ),
  file(
    'backslash escapes',
    write({ isBackslash: true }),
    { escape: 'backslash' },
    { escape: 'backslash' },
  ),
  file('CR LF', write({ lineEnd: () => '\r\n' }), { lineEnd: 'crlf' }, { lineEnd: 'crlf' }),
  file('CR', write({ lineEnd: () => '\r' }), { lineEnd: 'cr' }, { lineEnd: 'cr' }),
  file(
    'LF and CR LF',
    write({ lineEnd: (line) => (line % 2 ? '\n' : '\r\n') }),
    { lineEnd: 'mixed' },
    { lineEnd: 'lf' },
  ),
  file(
    'all line ends',
    write({ lineEnd: (line) => ['\n', '\r\n', '\r'][line % 3]! }),
    { lineEnd: 'mixed' },
    { lineEnd: 'any' },
  ),
  file('blank lines', `\n${write().replaceAll('\n', '\n\n')}\n`, { linesBeforeHeader: 1 }),
  file(
    'no header',
    write({ hasHeader: false }),
    { header: false },
    { header: false },
    { names: PLACES },
  ),
  file(
    'names told, for want of a header',
    write({ hasHeader: false }),
    { header: false },
    { header: false, columns: NAMES },
    { names: PLACES },
  ),
  file(
    'a header one field short',
    `name,day,price\n${write({ hasHeader: false })}`,
    { headerOneFieldShort: true },
    { columns: NAMES },
    { names: ['column_1', 'name', 'day', 'price'] },
  ),
  file(
    'names twice, and none',
    `id,name,,name\n${write({ hasHeader: false })}`,
    {},
    { columns: NAMES },
    { names: ['id', 'name', 'column_3', 'name_2'] },
  ),
  file('trailing delimiters', write({ trailing: ',' }), { trailingDelimiter: true }),
  file(
    'trailing delimiters, but not in the header',
    `id;name;day;price\n${write({ delimiter: ';', hasHeader: false, trailing: ';' })}`,
    { delimiter: ';', trailingDelimiter: true },
    { delimiter: ';' },
  ),
  file(
    'lines before the header',
    `Sales report, 2024\nGenerated by a program\n\n${write()}`,
    { linesBeforeHeader: 3 },
    { skipLines: 3 },
  ),
  file(
    'a hint to a spreadsheet',
    `sep=;\n${write({ delimiter: ';' })}`,
    { delimiter: ';', linesBeforeHeader: 1 },
    { delimiter: ';', skipLines: 1 },
  ),
  file(
    'comments',
    write().replace('\n3,', '\n# a comment, here\n3,').replace('\n9,', '\n#\n# another "one\n9,'),
    { comment: '#' },
    { comment: '#' },
  ),
  file('a footer', `${write()}(24 rows)\n`, {}, { skipFooter: 1 }, { rejected: 1 }),
  file('UTF-8 with a mark', `\ufeff${write()}`, { byteOrderMark: true }, { encoding: 'utf-8' }),
  file(
    'UTF-16 LE',
    Buffer.from(`\ufeff${write()}`, 'utf16le'),
    { encoding: 'utf-16le', byteOrderMark: true },
    { encoding: 'utf-16le' },
  ),
  file(
    'UTF-16 BE',
    Buffer.from(`\ufeff${write()}`, 'utf16le').swap16(),
    { encoding: 'utf-16be', byteOrderMark: true },
    { encoding: 'utf-16be' },
  ),
  file(
    'UTF-16 without a mark',
    Buffer.from(write({ delimiter: '\t' }), 'utf16le'),
    { encoding: 'utf-16le', delimiter: '\t' },
    { encoding: 'utf-16le', delimiter: '\t' },
  ),
  file(
    'Latin-1',
    Buffer.from(LATIN1_TEXT, 'latin1'),
    // What is in both is called by the larger one's name.
    { encoding: 'windows-1252' },
    { encoding: 'latin1' },
  ),
  file(
    'section signs in Windows-1252',
    Buffer.from(write({ delimiter: '§' }), 'latin1'),
    { delimiter: '§', encoding: 'windows-1252' },
    { delimiter: '§', encoding: 'windows-1252' },
  ),
  file(
    'Windows-1252',
    cp1252(CP1252_TEXT),
    { encoding: 'windows-1252' },
    { encoding: 'windows-1252' },
  ),
];

/** Values of the second column, as they must be in the table. */
export function namesIn({ name }: DialectFile): string[] {
  return ROWS.map(([, text]) =>
    name === 'Windows-1252' ? `${text} – €` : name === 'no quotes' ? `"${text}` : text!,
  );
}
