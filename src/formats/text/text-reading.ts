/**
 * What a load remembers of how its file is read, whatever the format. Detection may come to another result
 * one day, and the user may say something else: the rejects of a load, and its file, are read as they were
 * read then. Plain data: the ledger keeps it as JSON.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Encoding } from '../../model/csv-settings.js';
import type { Drift } from '../../model/drift.js';

export interface TextReading {
  /** Of the file itself; that of its fields is a matter of its format. */
  readonly encoding: Encoding;
  /** Where the first record starts. */
  readonly dataStart: number;
  /** Line, from 1, at `dataStart`. */
  readonly dataLine: number;
  /** Where a footer begins that is passed over; undefined where there is none. */
  readonly dataEnd?: number | undefined;
  /** What the user said. */
  readonly specified: object;
  /** How the fields differ from those of the table. */
  readonly drift?: Drift | undefined;
}

/** Whether records of a file are found and read the same by both. */
export function readsAlike(a: TextReading, b: TextReading): boolean {
  return isDeepStrictEqual(whatReads(a), whatReads(b));
}

/** As JSON has it: without what is undefined. A ledger of before there was another format names none. */
function whatReads(reading: TextReading): unknown {
  const { specified, drift, footerStart, ...rest } = reading as TextReading & {
    readonly footerStart?: number;
  };
  return JSON.parse(JSON.stringify({ format: 'csv', ...rest, onNew: drift?.onNew }));
}
