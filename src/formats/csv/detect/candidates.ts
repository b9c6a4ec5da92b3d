/** Sample and settings → the dialects worth trying. */
import {
  type CsvSettings,
  ESCAPES,
  type Escape,
  type LineEnd,
} from '../../../model/csv-settings.js';
import { CR, LF } from '../../text/line-end.js';
import type { SampleParts } from '../../text/sample.js';
import type { FieldEncoding } from '../../text/transcode.js';
import { type Dialect, PLAIN_DIALECT } from '../dialect.js';

/** A delimiter, and how likely it is before the sample is evaluated. */
interface DelimiterCandidate {
  readonly delimiter: string;
  readonly weight: number;
}

const COMMON: readonly DelimiterCandidate[] = [
  { delimiter: ',', weight: 1 },
  { delimiter: '\t', weight: 1 },
  { delimiter: ';', weight: 1 },
  { delimiter: '|', weight: 1 },
];

/** Characters that also occur in values, or are rare. */
const OTHERS: readonly DelimiterCandidate[] = [
  { delimiter: '^', weight: 0.95 },
  { delimiter: '~', weight: 0.95 },
  { delimiter: '\x01', weight: 1 },
  { delimiter: '\x1f', weight: 1 },
  { delimiter: '\x1e', weight: 1 },
  { delimiter: '\x1d', weight: 1 },
  { delimiter: '\x02', weight: 1 },
  { delimiter: '\xa7', weight: 0.9 },
  { delimiter: '\xa6', weight: 0.9 },
  { delimiter: '\xac', weight: 0.9 },
  { delimiter: '\xc2\xa7', weight: 0.9 },
  { delimiter: '\xc2\xa6', weight: 0.9 },
  { delimiter: '\xc2\xac', weight: 0.9 },
  { delimiter: ' ', weight: 0.6 },
  { delimiter: ':', weight: 0.45 },
  { delimiter: '#', weight: 0.5 },
  { delimiter: '&', weight: 0.5 },
  { delimiter: '!', weight: 0.5 },
  { delimiter: '@', weight: 0.5 },
  { delimiter: '*', weight: 0.5 },
  { delimiter: '$', weight: 0.5 },
  { delimiter: '=', weight: 0.4 },
  { delimiter: '/', weight: 0.3 },
];
const SEVERAL_CHARACTERS_WEIGHT = 0.95;
/** The weight where one of its signs also stands alone. */
const SEVERAL_AND_ONE_WEIGHT = 0.8;

/** Number of lines that are searched for a delimiter, and the share of them that must have it. */
const PROBE_LINES = 60;
const MIN_SHARE_OF_LINES = 0.5;
const MIN_SHARE_WITH_BLANKS = 0.8;

/** Two to four signs in a row; or one sign and up to four blanks around it. */
const SIGNS = /[^A-Za-z0-9\s"'.+\-_\\\x80-\xff]{2,4}|[ ]{0,4}[,;|~^][ ]{1,4}/g;

export interface Candidate {
  readonly dialect: Dialect;
  readonly weight: number;
}

/**
 * Lists candidates in the order of preference among equals: comma before other delimiters, quotes
 * before no quotes, doubling before backslash.
 *
 * @param text bytes of the delimiter and comment that the user named, in the file's encoding
 */
export function listCandidates(
  parts: SampleParts,
  settings: CsvSettings,
  encoding: FieldEncoding,
  text: { readonly delimiter?: string; readonly comment?: string },
): Candidate[] {
  const head = parts.head.subarray(parts.start);
  const delimiters =
    text.delimiter === undefined
      ? listDelimiters(head, encoding)
      : [{ delimiter: text.delimiter, weight: 1 }];
  const lineEnds: readonly LineEnd[] =
    settings.lineEnd === undefined ? listLineEnds(parts) : [settings.lineEnd];
  const quotes = settings.quote === undefined ? listQuotes(head) : [settings.quote];
  const candidates: Candidate[] = [];
  for (const { delimiter, weight } of delimiters) {
    const isEscaped = settings.quote === undefined && head.includes(`\\${delimiter}`, 0, 'latin1');
    for (const quote of isEscaped && !quotes.includes('') ? [...quotes, ''] : quotes) {
      if (quote !== '' && delimiter.includes(quote)) continue;
      for (const way of listEscapes(head, quote, delimiter, settings)) {
        for (const lineEnd of lineEnds) {
          candidates.push({
            weight,
            dialect: toDialect(
              { delimiter, quote, escape: way, lineEnd },
              settings,
              encoding,
              text,
            ),
          });
        }
      }
    }
  }
  return candidates;
}

/**
 * Makes a dialect of a delimiter and a line end; quote and escape are the usual ones by default.
 */
export function toDialect(
  parts: Pick<Dialect, 'delimiter' | 'lineEnd'> & Partial<Dialect>,
  settings: CsvSettings,
  encoding: FieldEncoding,
  text: { readonly comment?: string },
): Dialect {
  return {
    ...PLAIN_DIALECT,
    comment: text.comment ?? '',
    // In tab-separated files as programs write them, a quote is an ordinary character.
    allowsBareQuotes: parts.delimiter === '\t',
    encoding,
    ragged: settings.ragged ?? 'reject',
    ...parts,
  };
}

/**
 * Lists CR only where no line ends in LF, and both where both occur. Quoted text does not count, and
 * neither does a single LF at the end of a file whose other lines end in CR.
 */
function listLineEnds({ head, start, isWhole, pieces }: SampleParts): LineEnd[] {
  if (!head.includes(CR)) return ['lf'];
  let isQuoted = false;
  let firstLf = -1;
  let hasLoneCr = false;
  for (let i = start; i < head.length; i++) {
    const byte = head[i];
    if (byte === 0x22) isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (byte === LF && firstLf < 0) firstLf = i;
    else if (byte === CR && head[i + 1] !== LF && i + 1 < head.length) hasLoneCr = true;
  }
  if (hasLoneCr && firstLf < 0) {
    const end = isWhole ? head : pieces.at(-1);
    return end?.at(-1) === LF ? ['any'] : ['cr'];
  }
  if (hasLoneCr) return isWhole && firstLf === head.length - 1 ? ['any'] : ['lf', 'any'];
  // Inch marks are no quotes: there may be no other line end.
  return head.includes(LF) ? ['lf'] : ['lf', 'cr'];
}

function probeLines(head: Buffer): string[] {
  return head
    .toString('latin1', 0, 64 * 1024)
    .split(/\r\n|\n|\r/, PROBE_LINES + 1)
    .slice(0, PROBE_LINES)
    .filter((line) => line.trim() !== '');
}

function listDelimiters(head: Buffer, encoding: FieldEncoding): DelimiterCandidate[] {
  const lines = probeLines(head);
  const others = OTHERS.filter(
    ({ delimiter }) =>
      isOf(delimiter, encoding) &&
      lines.filter((line) => line.includes(delimiter)).length >= lines.length * MIN_SHARE_OF_LINES,
  );
  // Where no line has a delimiter, its weight does not matter, but its place in the list does.
  return [...COMMON, ...listSeveralCharacters(lines), ...others];
}

/** Whether a delimiter exists in an encoding: beyond ASCII, it has two bytes in UTF-8, else one. */
function isOf(delimiter: string, encoding: FieldEncoding): boolean {
  return delimiter < '\x80' || delimiter.length > 1 === (encoding === 'utf-8');
}

/** Lists delimiters of several characters, such as `||`, `::` and `, `. */
function listSeveralCharacters(lines: readonly string[]): DelimiterCandidate[] {
  if (lines.length < 2) return [];
  const linesWith = new Map<string, number>();
  for (const line of lines) {
    const runs = new Set<string>(line.match(SIGNS));
    // An empty field between two delimiters makes a longer run, as does a sign at the edge of a
    // field.
    for (const run of [...runs]) {
      for (let from = 0; from < run.length - 1; from++) {
        for (let to = from + 2; to <= run.length; to++) runs.add(run.slice(from, to));
      }
    }
    for (const run of runs) linesWith.set(run, (linesWith.get(run) ?? 0) + 1);
  }
  const found: DelimiterCandidate[] = [];
  for (const [delimiter, count] of linesWith) {
    // Two commas are an empty field; two bars may be one delimiter.
    if (/^[,;]+$/.test(delimiter) || !isWholeDelimiter(delimiter)) continue;
    const hasBlank = /\s/.test(delimiter);
    if (count < lines.length * (hasBlank ? MIN_SHARE_WITH_BLANKS : MIN_SHARE_OF_LINES)) continue;
    // A sign that also stands alone is more likely the delimiter itself, or part of the text.
    const sign = delimiter.trim()[0]!;
    const isAlone = lines.some(
      (line) =>
        countOf(stripQuoted(line), sign) >
        countOf(stripQuoted(line), delimiter) * countOf(delimiter, sign),
    );
    if (isAlone && hasBlank) continue;
    found.push({
      delimiter,
      weight: isAlone ? SEVERAL_AND_ONE_WEIGHT : SEVERAL_CHARACTERS_WEIGHT,
    });
  }
  return found.sort((a, b) => b.delimiter.length - a.delimiter.length);
}

/** `%:$` between `5%` and `$7` is no delimiter: signs of values must be symmetric to be one. */
function isWholeDelimiter(delimiter: string): boolean {
  return /^[\s|~^,;:]+$/.test(delimiter) || [...delimiter].reverse().join('') === delimiter;
}

function stripQuoted(line: string): string {
  return line.replace(/"[^"]*"/g, '');
}

function countOf(text: string, wanted: string): number {
  return text.split(wanted).length - 1;
}

function listQuotes(head: Buffer): string[] {
  const quotes = ['"'];
  const text = head.toString('latin1', 0, 64 * 1024);
  // An apostrophe is a quote only at the edge of a field.
  const edges = text.match(/(?:^|[^A-Za-z0-9\x80-\xff])'|'(?:$|[^A-Za-z0-9\x80-\xff])/gm);
  if ((edges?.length ?? 0) >= 4) quotes.push("'");
  if (head.includes('"')) quotes.push('');
  return quotes;
}

function listEscapes(
  head: Buffer,
  quote: string,
  delimiter: string,
  settings: CsvSettings,
): readonly Escape[] {
  if (settings.escape !== undefined) return [settings.escape];
  const escaped = `\\${quote === '' ? delimiter : quote}`;
  return head.includes(escaped, 0, 'latin1') ? ESCAPES : ['doubling'];
}
