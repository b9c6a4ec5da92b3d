/**
 * A warehouse to be made: its project, the files of its tables, and what must be in it. Its files are in two
 * parts, those that are there from the beginning, and those that come when it has been made.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { to as copyTo } from 'pg-copy-streams';
import type { Dataset } from '../datasets/dataset.js';
import { hashFile } from '../datasets/events.js';
import type { Server } from '../server.js';

/** A table, and the query whose rows are its file. */
export interface Part {
  readonly table: string;
  readonly query: string;
}

export interface Story {
  /** Short, unique, a part of names of databases. */
  readonly name: string;
  /** What it is about, for the report. */
  readonly title: string;
  /** What the second part is. */
  readonly changeTitle: string;
  /** Of edp.yaml. */
  readonly project: string;
  /** Dates of the first part, and the one behind the last. */
  readonly from: string;
  readonly until: string;
  /** The one behind the last of the second part. */
  readonly untilChanged: string;
  readonly first: readonly Part[];
  readonly change: Part;
  /** Rows of the first part, and of the second. */
  readonly rows: number;
  readonly changedRows: number;
  /** One row of text of what the raw tables give, and of what was made: they must be equal. */
  readonly expected: string;
  readonly made: string;
}

/** Files of a story. */
export interface StoryFiles {
  readonly first: readonly { readonly table: string; readonly file: string }[];
  readonly change: { readonly table: string; readonly file: string };
}

/** Writes the files. @param directory for all stories */
export async function writeFiles(
  server: Server,
  directory: string,
  { name, first, change }: Story,
): Promise<StoryFiles> {
  await mkdir(directory, { recursive: true });
  const write = async ({ table, query }: Part, part: string) => {
    const file = path.join(directory, `${name}-${table}-${part}.csv`);
    await server.withClient('postgres', async (client) => {
      const rows = client.query(copyTo(`COPY (${query}) TO STDOUT (FORMAT csv, HEADER)`));
      await pipeline(rows, createWriteStream(file));
    });
    return { table, file };
  };
  const files: { table: string; file: string }[] = [];
  for (const part of first) files.push(await write(part, 'first'));
  return { first: files, change: await write(change, 'change') };
}

/** As the report shows it. @param file the largest of them */
export async function describeRows(
  name: string,
  title: string,
  rows: number,
  file: string,
): Promise<Dataset> {
  return {
    name,
    title,
    rows,
    files: [file],
    bytes: (await stat(file)).size,
    sha256: await hashFile(file),
    columns: [],
    sumColumns: [],
    flat: undefined,
    encoded: [],
    totals: { rows, sums: {} },
  };
}
