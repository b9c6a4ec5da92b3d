/** The reasons why a dialect was detected, in words. */
import type { CsvSettings } from '../../../model/csv-settings.js';
import { SPECIFIED } from '../../text/sample.js';
import { toText } from '../../text/transcode.js';
import { type Dialect, PLAIN_DIALECT } from '../dialect.js';
import type { Evaluation } from './evaluate-dialect.js';

export type DetectedPart =
  | 'delimiter'
  | 'quote'
  | 'escape'
  | 'lineEnd'
  | 'comment'
  | 'header'
  | 'skipLines';

export function explain(
  chosen: Evaluation,
  all: readonly Evaluation[],
  settings: CsvSettings,
  known: ReadonlySet<string>,
  headerAt: number | undefined,
  header: string,
  skipped: number,
): Record<DetectedPart, string> {
  const { dialect, width, conforming, total } = chosen;
  const share = `${conforming} of ${total} sampled records have ${width} ${width === 1 ? 'field' : 'fields'}`;
  const rival = all
    .filter((other) => other.dialect.delimiter !== dialect.delimiter && other.width > 1)
    .sort((a, b) => b.score - a.score)[0];
  const next =
    rival === undefined
      ? ''
      : `; next best is ${describeDelimiter(rival.dialect)}, with ${rival.width} fields in ${rival.conforming} of ${rival.total}`;
  const byNames =
    headerAt === undefined || known.size === 0
      ? ''
      : 'the header has names of the table’s fields; ';
  return {
    delimiter: settings.delimiter === undefined ? byNames + share + next : SPECIFIED,
    quote:
      settings.quote !== undefined
        ? SPECIFIED
        : dialect.quote === ''
          ? 'quotes in the sample do not come in pairs around fields'
          : dialect.quote === PLAIN_DIALECT.quote
            ? 'the usual one, and nothing speaks against it'
            : 'fields are quoted with it',
    escape:
      settings.escape !== undefined
        ? SPECIFIED
        : dialect.escape === 'doubling'
          ? 'the usual way, and nothing speaks against it'
          : 'more records can be read with backslash escapes',
    lineEnd: settings.lineEnd !== undefined ? SPECIFIED : 'the line ends in the sample',
    comment:
      settings.comment !== undefined
        ? SPECIFIED
        : dialect.comment === ''
          ? 'no line between the records is a comment'
          : `lines between the records that begin with ${toText(dialect.comment, dialect.encoding)} are not records`,
    header,
    skipLines:
      settings.skipLines !== undefined
        ? SPECIFIED
        : skipped === 0
          ? 'the first line is like the following lines'
          : 'these lines are unlike the following lines',
  };
}

const DELIMITER_NAMES: Readonly<Record<string, string>> = {
  ',': 'comma',
  '\t': 'tab',
  ';': 'semicolon',
  '|': 'pipe',
  ':': 'colon',
  ' ': 'space',
  '^': 'caret',
  '~': 'tilde',
  '\x01': 'ctrl-a',
  '\x1f': 'unit-separator',
  '\x1e': 'record-separator',
};

/** A word for a usual delimiter, else the characters themselves. */
export function describeDelimiter({
  delimiter,
  encoding,
}: Pick<Dialect, 'delimiter' | 'encoding'>): string {
  return nameDelimiter(toText(delimiter, encoding));
}

/** The same for a delimiter that is already decoded. */
export function nameDelimiter(delimiter: string): string {
  return DELIMITER_NAMES[delimiter] ?? JSON.stringify(delimiter);
}
