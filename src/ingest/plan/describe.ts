/** The head of a file → its dialect and its header. */
import { open } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { EdpError } from '../../errors.js';
import type { Table } from '../../model/model.js';
import { CR, type Dialect, LF, QUOTE } from '../dialect.js';
import { RecordBatch, RecordScanner } from '../scan/records.js';

/** Enough for a header of 1,600 columns with long names, and for a fair sample of records. */
const HEAD_BYTES = 256 * 1024;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const DELIMITERS = [',', '\t', ';', '|'];
const SAMPLE_RECORDS = 1000;

export interface FileDescription {
  readonly dialect: Dialect;
  /** Names of the header's fields; empty for an empty file. */
  readonly header: readonly string[];
  /** The header record byte for byte, without its line end. */
  readonly headerBytes: Buffer;
  /** Where the first record starts. */
  readonly dataStart: number;
  /** Line, from 1, at `dataStart`. */
  readonly dataLine: number;
  /** Mean length of the first records, line end included. */
  readonly recordBytes: number;
}

/**
 * @param name for messages
 * @param delimiter what the user said, if anything
 * @throws EdpError `not_csv`
 */
export async function describeFile(
  file: string,
  name: string,
  table: Table,
  delimiter: string | undefined,
): Promise<FileDescription> {
  const head = await readHead(file, name);
  assertText(head, name);
  const start = head.subarray(0, 3).equals(BOM) ? 3 : 0;
  const recordEnd = findRecordEnd(head);

  const expected = new Set([
    ...table.columns.map(({ field }) => field),
    ...table.sources.map(({ field }) => field),
  ]);
  const candidates = (delimiter === undefined ? DELIMITERS : [delimiter]).map((candidate) => {
    const dialect: Dialect = {
      delimiter: candidate.charCodeAt(0),
      recordEnd,
      fieldCount: 2, // not known yet; blank lines before the header are none
      allowsBareQuotes: candidate === '\t',
    };
    return readHeader(head, start, dialect, name);
  });
  const score = (header: readonly string[]) => header.filter((field) => expected.has(field)).length;
  // The first of equals is the comma.
  const best = candidates.reduce((a, b) => (score(b.header) > score(a.header) ? b : a));
  if (score(best.header) === 0 && head.includes(0)) {
    throw new EdpError('not_csv', `${name} does not look like a CSV: it has NUL bytes`, {
      hint: 'name a text file with a header line',
    });
  }
  const dialect = { ...best.dialect, fieldCount: best.header.length };
  return { ...best, dialect, recordBytes: meanRecordBytes(head, best.dataStart, dialect) };
}

/** CR only where no line ends in LF; what is inside quotes does not count. */
function findRecordEnd(head: Buffer): number {
  let isQuoted = false;
  let hasLoneCr = false;
  for (const [i, byte] of head.entries()) {
    if (byte === QUOTE) isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (byte === LF) return LF;
    else if (byte === CR && head[i + 1] !== LF) hasLoneCr = true;
  }
  return hasLoneCr ? CR : LF;
}

async function readHead(file: string, name: string): Promise<Buffer> {
  try {
    const handle = await open(file, 'r');
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
      return head.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new EdpError('io', `${name} cannot be read: ${(error as Error).message}`, {
      hint: 'check its permissions',
      cause: error,
    });
  }
}

function assertText(head: Buffer, name: string): void {
  const isUtf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  const isCompressed =
    (head[0] === 0x1f && head[1] === 0x8b) ||
    head.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])) ||
    head.subarray(0, 4).toString('latin1') === 'PK\x03\x04' ||
    head.subarray(0, 3).toString('latin1') === 'BZh';
  if (isUtf16) {
    throw new EdpError('not_csv', `${name} is UTF-16`, {
      hint: `convert it first: iconv -f UTF-16 -t UTF-8 ${name} | edp ingest - --table NAME`,
    });
  }
  if (isCompressed) {
    throw new EdpError('not_csv', `${name} is compressed`, {
      hint: `unpack it on the way: gzip -dc ${name} | edp ingest - --table NAME`,
    });
  }
}

interface Header extends Omit<FileDescription, 'recordBytes'> {}

function readHeader(head: Buffer, start: number, dialect: Dialect, name: string): Header {
  const scanner = new RecordScanner(dialect);
  const batch = new RecordBatch(1);
  scanner.reset(start);
  scanner.scan(head, head.length, Number.POSITIVE_INFINITY, head.length < HEAD_BYTES, batch);
  if (batch.count === 0) {
    if (head.length >= HEAD_BYTES) {
      throw new EdpError(
        'not_csv',
        `${name} does not look like a CSV: its first line does not end`,
        {
          hint: `a header is at most ${HEAD_BYTES} bytes long`,
        },
      );
    }
    return {
      dialect,
      header: [],
      headerBytes: Buffer.alloc(0),
      dataStart: head.length,
      dataLine: 1,
    };
  }
  const headerBytes = Buffer.from(head.subarray(batch.start[0], batch.end[0]));
  return {
    dialect,
    header: parseHeader(headerBytes, dialect, name),
    headerBytes,
    dataStart: scanner.nextRecord,
    dataLine: scanner.nextLine + 1,
  };
}

/** The names in a header record. @param dialect whose number of fields does not matter here */
export function parseHeader(bytes: Buffer, dialect: Dialect, name: string): string[] {
  try {
    const [fields] = parse(bytes, {
      delimiter: String.fromCharCode(dialect.delimiter),
      relax_quotes: true,
      record_delimiter: dialect.recordEnd === CR ? ['\r'] : ['\r\n', '\n'],
    }) as unknown as string[][];
    return (fields ?? []).map((field) => field.trim());
  } catch (error) {
    throw new EdpError(
      'not_csv',
      `the header of ${name} cannot be read: ${(error as Error).message}`,
      {
        place: `${name}:1`,
        hint: 'check the quotes in the first line',
        cause: error,
      },
    );
  }
}

function meanRecordBytes(head: Buffer, dataStart: number, dialect: Dialect): number {
  const scanner = new RecordScanner(dialect);
  const batch = new RecordBatch(SAMPLE_RECORDS);
  scanner.reset(dataStart);
  scanner.scan(head, head.length, Number.POSITIVE_INFINITY, false, batch);
  return batch.count === 0 ? head.length : (scanner.nextRecord - dataStart) / batch.count;
}
