/**
 * The settings of a CSV file that a user may specify: on the command line, by EDP_*, or in a `csv:`
 * section of edp.yaml, for the project or for one table. What is not specified is detected.
 */
import { z } from 'zod';
import { toCamelCase } from '../base/camel-case.js';
import { type Choices, joinWords, wordsOf } from './choices.js';
import {
  ENCODING_CHOICES,
  ENCODINGS,
  type Encoding,
  findEncoding,
  OTHER_ENCODINGS,
} from './encodings.js';

export type { Encoding };

const compressions = {
  none: 'the bytes are not compressed',
  gzip: 'gzip, with one or several members',
  zstd: 'Zstandard, with one or several frames',
  bzip2: 'bzip2, with one or several streams',
  zip: 'a zip archive with one file in it',
} as const satisfies Choices;
export type Compression = keyof typeof compressions;
export const COMPRESSIONS = wordsOf(compressions);

const lineEnds = {
  lf: 'LF, with or without a CR before it',
  crlf: 'CR LF only: either of them alone is part of a value',
  cr: 'CR',
  any: 'LF, CR LF and CR, each of them',
} as const satisfies Choices;
export type LineEnd = keyof typeof lineEnds;
export const LINE_ENDS = wordsOf(lineEnds);

/** Any other backslash is a plain character, as for PostgreSQL's COPY. */
const escapes = {
  doubling: 'a quote inside quotes is written twice',
  backslash:
    'a backslash precedes a quote or a backslash inside quotes; in files without quotes, a backslash makes ' +
    'the delimiter, line end or backslash after it plain text',
} as const satisfies Choices;
export type Escape = keyof typeof escapes;
export const ESCAPES = wordsOf(escapes);

/** What happens to a record with too few or too many fields. */
const ragged = {
  reject: 'the record is rejected',
  pad:
    'fields that are missing at its end are NULL, and empty surplus fields are ignored; a record with any ' +
    'other surplus field is still rejected',
} as const satisfies Choices;
export type Ragged = keyof typeof ragged;
export const RAGGED = wordsOf(ragged);

const quotes = {
  double: '"',
  single: "'",
  none: 'no quotes: a quote is a plain character',
} as const satisfies Choices;
type QuoteWord = keyof typeof quotes;
export const QUOTES = wordsOf(quotes);

/** The choices of settings with a closed list, each with its meaning. */
export const CSV_CHOICES = {
  quote: quotes,
  escape: escapes,
  'line-end': lineEnds,
  encoding: ENCODING_CHOICES,
  compression: compressions,
  ragged,
} as const;

/** Names for characters that are hard to type or to see. */
const DELIMITER_WORDS: Readonly<Record<string, string>> = {
  tab: '\t',
  comma: ',',
  semicolon: ';',
  colon: ':',
  pipe: '|',
  bar: '|',
  caret: '^',
  tilde: '~',
  space: ' ',
  'unit-separator': '\x1f',
  'record-separator': '\x1e',
  'ctrl-a': '\x01',
};

const QUOTE_CHARACTERS: Readonly<Record<QuoteWord, string>> = {
  double: '"',
  single: "'",
  none: '',
};

/** Synonyms. */
const QUOTE_WORDS: Readonly<Record<string, string>> = {
  ...QUOTE_CHARACTERS,
  '"': '"',
  "'": "'",
};

/** @param quote the character; empty for none */
export function nameQuote(quote: string): QuoteWord {
  return QUOTES.find((word) => QUOTE_CHARACTERS[word] === quote) ?? 'double';
}

const ESCAPE_WORDS: Readonly<Record<string, Escape>> = {
  ...toThemselves(ESCAPES),
  double: 'doubling',
  '"': 'doubling',
  '\\': 'backslash',
};

function toThemselves<T extends string>(words: readonly T[]): Record<T, T> {
  return Object.fromEntries(words.map((word) => [word, word])) as Record<T, T>;
}

/** Replaces the escapes `\t` and `\x1f`, which a shell passes on unchanged. */
function unescapeText(text: string): string {
  return text
    .replace(/\\t/g, '\t')
    .replace(/\\x([\da-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

function oneOf<T>(words: Readonly<Record<string, T>>, error: string) {
  return z.string({ error }).transform((text, context): T => {
    const found = Object.hasOwn(words, text.toLowerCase()) ? words[text.toLowerCase()] : undefined;
    if (found !== undefined) return found;
    context.addIssue(error);
    return z.NEVER;
  });
}

const MAX_DELIMITER_LENGTH = 16;

const delimiter = z
  .string({ error: 'expected the text between fields' })
  .transform((text) => DELIMITER_WORDS[text.toLowerCase()] ?? unescapeText(text))
  .refine(
    (text) => text.length > 0 && text.length <= MAX_DELIMITER_LENGTH && !/["'\\\r\n]/.test(text),
    {
      message: `expected 1 to ${MAX_DELIMITER_LENGTH} characters, none of them a quote, a backslash or a line end; or a name such as tab`,
    },
  );

const comment = z
  .string({ error: 'expected the beginning of comment lines, or none' })
  .transform((text) => (text.toLowerCase() === 'none' ? '' : text))
  .refine((text) => text.length <= MAX_DELIMITER_LENGTH && !/["\r\n]/.test(text), {
    message: 'expected the beginning of comment lines, such as #, or none',
  });

const COLUMNS_ERROR = 'expected names, such as id,name,price';

const columns = z
  .union([z.array(z.string({ error: COLUMNS_ERROR })), z.string()], { error: COLUMNS_ERROR })
  .transform((names) => (typeof names === 'string' ? names.split(',') : names))
  .transform((names) => names.map((name) => name.trim()))
  .refine((names) => names.length > 0 && names.every((name) => name !== ''), {
    message: COLUMNS_ERROR,
  })
  .refine((names) => new Set(names).size === names.length, {
    message: 'expected each name once',
  });

const lines = z
  .union([z.number(), z.string().regex(/^\d+$/, 'expected a number of lines')], {
    error: 'expected a number of lines',
  })
  .pipe(z.coerce.number())
  .pipe(z.number().int('expected a number of lines').min(0, 'expected a number of lines'));

const ENCODING_ERROR = `expected ${ENCODINGS.join(', ')}, or another encoding such as ${joinWords(OTHER_ENCODINGS)}`;

const encoding = z.string({ error: ENCODING_ERROR }).transform((text, context): Encoding => {
  const found = findEncoding(text);
  if (found !== undefined) return found;
  context.addIssue(ENCODING_ERROR);
  return z.NEVER;
});

/** Each setting with its check; the names are those of the options. */
export const CSV_SCHEMAS = {
  delimiter,
  quote: oneOf(QUOTE_WORDS, `expected ${joinWords(QUOTES)}`),
  escape: oneOf(ESCAPE_WORDS, `expected ${joinWords(ESCAPES)}`),
  'line-end': z.enum(LINE_ENDS, { error: `expected ${LINE_ENDS.join(', ')}` }),
  encoding,
  compression: z.enum(COMPRESSIONS, { error: `expected ${COMPRESSIONS.join(', ')}` }),
  header: z.union([z.stringbool(), z.boolean()], { error: 'expected true or false' }),
  columns,
  'skip-lines': lines,
  'skip-footer': lines,
  comment,
  ragged: z.enum(RAGGED, { error: `expected ${joinWords(RAGGED)}` }),
} as const;

export type CsvSettingName = keyof typeof CSV_SCHEMAS;

export const CSV_SETTING_NAMES = Object.keys(CSV_SCHEMAS) as CsvSettingName[];

export const CSV_DESCRIPTIONS: Readonly<Record<CsvSettingName, string>> = {
  delimiter: 'Text between fields: one or more characters, or a name such as tab',
  quote: `Character that encloses quoted fields: ${joinWords(QUOTES)}`,
  escape: `How a quote inside quotes is written: ${joinWords(ESCAPES)}`,
  'line-end': `Line end of a record: ${joinWords(LINE_ENDS)}; lf also accepts a CR before it`,
  encoding: `Character encoding: ${ENCODINGS.join(', ')}, or another by its name, such as ${joinWords(OTHER_ENCODINGS)}`,
  compression: `Compression of the file: ${joinWords(COMPRESSIONS)}; a zip archive holds one file`,
  header: 'Whether the first line has the names of the fields',
  columns: 'Names of the fields, separated by commas; they replace those in the file',
  'skip-lines': 'Number of lines before the header to skip',
  'skip-footer': 'Number of lines at the end of the file to skip',
  comment: 'Text that comment lines begin with, such as #; or none',
  ragged: `What to do with a record with too few or too many fields: ${joinWords(RAGGED)}`,
};

/** The settings that were specified; the others are undefined. */
export interface CsvSettings {
  readonly delimiter?: string;
  /** Empty for none. */
  readonly quote?: string;
  readonly escape?: Escape;
  readonly lineEnd?: LineEnd;
  readonly encoding?: Encoding;
  readonly compression?: Compression;
  readonly header?: boolean;
  readonly columns?: readonly string[];
  readonly skipLines?: number;
  readonly skipFooter?: number;
  /** Empty for none. */
  readonly comment?: string;
  readonly ragged?: Ragged;
}

const csvShape = Object.fromEntries(
  CSV_SETTING_NAMES.map((name) => [
    name,
    CSV_SCHEMAS[name].optional().describe(CSV_DESCRIPTIONS[name]),
  ]),
) as unknown as {
  [N in CsvSettingName]: z.ZodOptional<(typeof CSV_SCHEMAS)[N]>;
};

/** The `csv:` section of edp.yaml. */
export const csvSectionSchema = z
  .strictObject(csvShape)
  .describe('How the files are written; what is not specified is detected');

export function toCsvSettings(section: z.output<typeof csvSectionSchema>): CsvSettings {
  return Object.fromEntries(
    Object.entries(section).map(([name, value]) => [toCamelCase(name), value]),
  );
}
