/** The data of the benchmark is what it says it is, by csv-parse. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { cutFlatFile, type Dataset } from '../../bench/datasets/dataset.js';
import { writeJsonLines } from '../../bench/datasets/json-lines.js';
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

describe('events as lines of JSON', () => {
  const header =
    'id,recorded_date,created_date,first_dimension_id,second_dimension_id,event_metrics';
  const events = async (text: string): Promise<Dataset> => {
    const file = path.join(await makeDirectory(), 'events.csv');
    await writeFile(file, `${header}\n${text}`);
    return { name: 'events', title: 'events', files: [file], rows: 2 } as unknown as Dataset;
  };
  const text =
    '1,2021-02-01 18:19:11,2021-02-01 18:19:41,4,84,"{""metrics"": {""metric_one"": 83}}"\n';

  it.each(['object', 'string'] as const)(
    'have the fields of the CSV, metrics as %s',
    async (form) => {
      const dataset = await writeJsonLines(await events(`${text}${text}`), form);
      const lines = await readFile(dataset.files[0]!, 'utf8');
      expect(lines.length).toBe(dataset.bytes);
      const metrics = '{"metrics": {"metric_one": 83}}';
      const expected = {
        id: 1,
        recorded_date: '2021-02-01 18:19:11',
        created_date: '2021-02-01 18:19:41',
        first_dimension_id: 4,
        second_dimension_id: 84,
        event_metrics: form === 'object' ? JSON.parse(metrics) : metrics,
      };
      const records = lines
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(records).toEqual([expected, expected]);
      expect(Object.keys(records[0])).toEqual(header.split(','));
    },
  );

  it('are refused where a record is not of the form', async () => {
    const dataset = await events(`${text}2,,,1,1,\n`);
    await expect(writeJsonLines(dataset, 'object')).rejects.toThrow('1 of 2 events');
  });
});
