/**
 * How a load reads its file, in any format. A later release may detect something else, and the user
 * may specify something else; yet the file of a load and its rejects are read again as they were
 * read then. Plain data: the ledger keeps it as JSON.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Encoding } from '../../model/csv-settings.js';
import type { Drift } from '../../model/drift.js';

export interface TextReading {
  /** Encoding of the file; the encoding of its fields depends on the format. */
  readonly encoding: Encoding;
  /** Where the first record starts. */
  readonly dataStart: number;
  /** Line, from 1, at `dataStart`. */
  readonly dataLine: number;
  /**
   * Whether a record that equals the header was passed over. A load that an older edp began reads it
   * as a record to its end.
   */
  readonly passesHeaders?: boolean | undefined;
  /** Start of a footer that is passed over; undefined where there is none. */
  readonly dataEnd?: number | undefined;
  /** Offset from which lines look like a footer, though none was specified. */
  readonly footerStart?: number | undefined;
  /** What the user specified. */
  readonly specified: object;
  /** How the fields differ from the columns of the table. */
  readonly drift?: Drift | undefined;
}

/** Whether both find and read the same records in a file. */
export function readsAlike(a: TextReading, b: TextReading): boolean {
  return isDeepStrictEqual(whatReads(a), whatReads(b));
}

/**
 * The reading as JSON, without what is undefined. Readings older than JSON lines name no format.
 */
function whatReads({
  specified,
  drift,
  footerStart,
  passesHeaders,
  ...rest
}: TextReading): unknown {
  return JSON.parse(JSON.stringify({ format: 'csv', ...rest, onNew: drift?.onNew }));
}
