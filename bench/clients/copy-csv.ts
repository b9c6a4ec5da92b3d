/**
 * One client that streams a CSV, or a part of it, into COPY … FROM STDIN: what `psql \copy` does.
 *
 *     node copy-csv.js URL TABLE COLUMN,COLUMN FILE [FROM UNTIL]
 *
 * Without FROM and UNTIL (bytes, where records begin) the file begins with a header.
 */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { quoteColumns, quoteIdentifier } from '../../src/model/ddl.js';

/** Larger reads, and so larger messages, gained nothing (measured). */
const READ_BYTES = 256 * 1024;

const [url, table, columns, file, from, until] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string | undefined,
  string | undefined,
];
const client = new pg.Client({ connectionString: url });
await client.connect();
const header = from === undefined ? ', HEADER' : '';
const copy = client.query(
  copyFrom(
    `COPY ${quoteIdentifier(table)} (${quoteColumns(columns.split(','))}) FROM STDIN (FORMAT csv${header})`,
  ),
);
await pipeline(
  createReadStream(file, {
    highWaterMark: READ_BYTES,
    ...(from === undefined ? {} : { start: Number(from), end: Number(until) - 1 }),
  }),
  copy,
);
await client.end();
