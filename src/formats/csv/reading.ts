/**
 * What a load remembers of how its file is read. Detection may come to another result one day, and the
 * user may say something else: the rejects of a load, and its file, are read as they were read then.
 */
import { isDeepStrictEqual } from 'node:util';
import type { CsvSettings, Encoding } from '../../model/csv-settings.js';
import type { Drift } from '../../model/drift.js';
import { CR } from '../text/line-end.js';
import type { FileDescription } from './describe.js';
import { toText } from './detect/detect.js';
import type { Dialect } from './dialect.js';

/** Plain data: the ledger keeps it as JSON. */
export interface Reading {
  readonly dialect: Dialect;
  /** Of the file itself; the dialect's is that of its fields. */
  readonly encoding: Encoding;
  readonly hasHeader: boolean;
  /** A name for each field; empty for an empty file. */
  readonly fields: readonly string[];
  /** Where the first record starts. */
  readonly dataStart: number;
  /** Line, from 1, at `dataStart`. */
  readonly dataLine: number;
  /** Where a footer begins that is passed over; undefined where there is none. */
  readonly dataEnd?: number | undefined;
  /** Where lines begin that look like a footer, but were not specified to be one. */
  readonly footerStart?: number | undefined;
  /** What the user said. */
  readonly specified: CsvSettings;
  /** How the fields differ from those of the table. */
  readonly drift?: Drift | undefined;
}

export function readingOf(
  description: FileDescription,
  specified: CsvSettings,
  drift: Drift | undefined,
): Reading {
  const { form, detection, dialect, header, dataStart, dataLine, dataEnd, footer } = description;
  return {
    dialect,
    encoding: form.encoding,
    hasHeader: detection.hasHeader,
    fields: header,
    dataStart,
    dataLine,
    dataEnd,
    footerStart: footer?.start,
    specified,
    drift,
  };
}

/** Whether records of a file are found and read the same by both. */
export function readsAlike(a: Reading, b: Reading): boolean {
  return isDeepStrictEqual(whatReads(a), whatReads(b));
}

/** As JSON has it: without what is undefined. */
function whatReads({ specified, drift, footerStart, ...format }: Reading): unknown {
  return JSON.parse(JSON.stringify({ ...format, onNew: drift?.onNew }));
}

/** What a user would have to say for another file to be read in the same format. */
export function settingsOf({ dialect, hasHeader, specified }: Reading): CsvSettings {
  return {
    delimiter: toText(dialect.delimiter, dialect.encoding),
    quote: dialect.quote,
    escape: dialect.escape,
    lineEnd: dialect.lineEnd,
    comment: toText(dialect.comment, dialect.encoding),
    ragged: dialect.ragged,
    header: hasHeader,
    ...specified,
  };
}

/** What to write behind a record so that it ends there, and has not lost or won a CR, when it is read. */
export function lineEndFor(raw: Buffer, { lineEnd }: Dialect): string {
  switch (lineEnd) {
    case 'crlf':
      return '\r\n';
    case 'cr':
      return '\r';
    case 'any':
      return raw.at(-1) === CR ? '\r' : '\n';
    default:
      // Behind a CR, a lone LF would make that CR a part of the line end.
      return raw.at(-1) === CR ? '\r\n' : '\n';
  }
}
