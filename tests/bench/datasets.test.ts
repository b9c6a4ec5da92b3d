/** The data of the benchmark is what it says it is, by csv-parse. */
import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { cutFlatFile, type Dataset } from '../../bench/datasets/dataset.js';
import { makeReviews } from '../../bench/datasets/reviews.js';
import { makeDirectory } from '../support/cli.js';

function readPart(text: Buffer, from: number, until: number): Record<string, string>[] {
  const columns = text.toString('utf8', 0, text.indexOf(10)).split(',');
  return parse(text.subarray(from, until), { columns });
}

function sum(records: readonly Record<string, string>[], column: string): string {
  return String(records.reduce((total, record) => total + BigInt(record[column]!), 0n));
}

describe('text-heavy records', () => {
  it('hold the rows and sums they promise, and the same bytes each time', async () => {
    const dataset = await makeReviews(await makeDirectory(), 2_000_000, 7);
    const again = await makeReviews(await makeDirectory(), 2_000_000, 7);
    expect(again.sha256).toBe(dataset.sha256);
    const text = await readFile(dataset.files[0]!);
    expect(text.length).toBe(dataset.bytes);
    const { headerBytes, bytes } = dataset.flat!;
    const records = readPart(text, headerBytes, bytes);
    expect(records.length).toBe(dataset.rows);
    for (const [column, expected] of Object.entries(dataset.totals.sums)) {
      expect(sum(records, column)).toBe(expected);
    }
    expect(Object.keys(records[0]!).length).toBe(20);
    expect(records.some(({ body }) => /\n/.test(body!) && /"/.test(body!))).toBe(true);
  });

  it.each([1, 2, 3, 8, 100])('are cut into %i parts between records', async (count) => {
    const dataset: Dataset = await makeReviews(await makeDirectory(), 6_000_000, 7);
    const { flat, files, rows } = dataset;
    const parts = cutFlatFile(flat!, count);
    expect(parts.length).toBeGreaterThan(0);
    expect(parts.length).toBeLessThanOrEqual(count);
    expect(parts[0]!.from).toBe(flat!.headerBytes);
    expect(parts.at(-1)!.until).toBe(flat!.bytes);
    const text = await readFile(files[0]!);
    let read = 0;
    let position = flat!.headerBytes;
    for (const { from, until } of parts) {
      expect(from).toBe(position);
      position = until;
      read += readPart(text, from, until).length;
    }
    expect(read).toBe(rows);
  });
});
