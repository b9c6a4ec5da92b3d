/** What is loaded: files as edp takes them, and the same rows in the form other loaders need. */
import { createReadStream } from 'node:fs';

/** A CSV whose fields are the table's columns, so that COPY takes it as it is. */
export interface FlatFile {
  readonly path: string;
  readonly bytes: number;
  readonly headerBytes: number;
  /** Places where a record starts, in order: the first record's, some between, and the file's end. */
  readonly boundaries: readonly number[];
}

/** What must be in the table when all rows are, and how to ask for it. */
export interface Totals {
  readonly rows: number;
  /** Of each sum column; exact, as text. */
  readonly sums: Readonly<Record<string, string>>;
  /** Sum of the hashes of all rows, over all columns; absent where only sums are known. */
  readonly hash?: string;
}

export interface Dataset {
  /** Short, unique. */
  readonly name: string;
  /** What it is, for the report. */
  readonly title: string;
  readonly rows: number;
  /** As edp takes them. */
  readonly files: readonly string[];
  /** Of `files` together. */
  readonly bytes: number;
  /** Of the first file's bytes. */
  readonly sha256: string;
  /** Columns that the rows fill, in the order of the flat file. */
  readonly columns: readonly string[];
  readonly sumColumns: readonly string[];
  readonly flat: FlatFile | undefined;
  /** The same rows in the server's binary COPY format, in about equal files that the server can read. */
  readonly encoded: readonly string[];
  readonly totals: Totals;
}

/** A stretch of a file. */
export interface Part {
  readonly from: number;
  readonly until: number;
}

/** Parts of about the same size, each beginning and ending where a record does. */
export function cutFlatFile({ boundaries, headerBytes, bytes }: FlatFile, count: number): Part[] {
  const ends = Array.from({ length: count }, (_, part) => {
    const wanted = headerBytes + ((bytes - headerBytes) * (part + 1)) / count;
    return boundaries.find((boundary) => boundary >= wanted - 1) ?? bytes;
  });
  return ends
    .map((until, part) => ({ from: part === 0 ? headerBytes : ends[part - 1]!, until }))
    .filter(({ from, until }) => until > from);
}

/** Reads a file to its end, so that the system's cache holds it as it does for everyone else. */
export async function warmFile(file: string): Promise<void> {
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) void chunk;
}
