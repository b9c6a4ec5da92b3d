/**
 * A dataset as PostgreSQL's own CSV parser reads it: the hash of its rows, which every load must give, and
 * its rows in binary COPY files, which are what the fastest load imaginable would read.
 */
import path from 'node:path';
import type pg from 'pg';
import { quoteColumns, quoteIdentifier, quoteLiteral } from '../../src/model/ddl.js';
import type { Server } from '../server.js';
import { assertTotals, copyCsv, createTables, readTotals } from '../tables.js';
import type { Dataset } from './dataset.js';

const REFERENCE_DATABASE = 'bench_reference';

/**
 * @param project whose model declares `table` without constraints
 * @param fileCount binary files to make
 * @throws where the flat file does not hold the rows that the dataset promises
 */
export async function addReference(
  server: Server,
  dataset: Dataset,
  project: string,
  table: string,
  fileCount: number,
): Promise<Dataset> {
  const { flat, columns } = dataset;
  if (flat === undefined) throw new TypeError(`${dataset.name} has no flat file`);
  let result = dataset;
  await server.createTemplate(REFERENCE_DATABASE, async (client) => {
    await createTables(client, project, table);
    await copyCsv(client, table, columns, flat.path);
    const totals = await readTotals(client, table, dataset, true);
    assertTotals(`${dataset.title}: COPY of ${flat.path}`, totals, dataset.totals);
    const encoded = await encode(client, server.dataDirectory, dataset, table, fileCount);
    result = { ...dataset, totals, encoded };
  });
  await server.dropDatabase(REFERENCE_DATABASE);
  return result;
}

/** By the server, which also reads them later: it may be another user, and writes to its own directory. */
async function encode(
  client: pg.Client,
  directory: string,
  { name, columns }: Dataset,
  table: string,
  fileCount: number,
): Promise<string[]> {
  const { rows } = await client.query<{ pages: number }>(
    `SELECT ceil(pg_relation_size($1) / current_setting('block_size')::numeric)::int AS pages`,
    [quoteIdentifier(table)],
  );
  const pages = rows[0]!.pages;
  const files: string[] = [];
  for (let index = 0; index < fileCount; index++) {
    const file = path.join(directory, `bench-${name}-${index}.bin`);
    const from = Math.floor((pages * index) / fileCount);
    const until =
      index === fileCount - 1 ? 2 ** 32 - 1 : Math.floor((pages * (index + 1)) / fileCount);
    await client.query(
      `COPY (SELECT ${quoteColumns(columns)} FROM ${quoteIdentifier(table)}
             WHERE ctid >= '(${from},0)' AND ctid < '(${until},0)')
       TO ${quoteLiteral(file)} (FORMAT binary)`,
    );
    files.push(file);
  }
  return files;
}
