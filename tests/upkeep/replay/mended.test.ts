/**
 * Rejects are written out, mended, and loaded again: the table is as if the file had been clean
 * from the start.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { edp, makeDirectory } from '../../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { generateEvents, sumFiles, TOTALS_SQL, totalsRow } from '../../support/events.js';
import type { JsonOf } from '../../support/json.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  await database.query('TRUNCATE events, first_dimensions, second_dimensions');
  await database.query('TRUNCATE edp.loads CASCADE');
});

const run = <const A extends readonly string[]>(cwd: string, ...args: A) =>
  edp([...args, '--database-url', database.url], { cwd });

const content = () =>
  database.query(
    `SELECT id, recorded_date, created_date, first_dimension_id, second_dimension_id, metric_one,
            metric_two, metric_n, extra_metrics::text FROM events ORDER BY id`,
  );

/** Each kind of damage, as a function that does it to a record. */
const DAMAGES: readonly { readonly name: string; readonly damage: (record: string) => string }[] = [
  { name: 'a letter in the id', damage: (record) => record.replace(/^\d/, 'x$&') },
  { name: 'a quote too many', damage: (record) => record.replace(/"$/, '"x') },
  { name: 'a quote that is not closed', damage: (record) => record.replace(/"$/, '') },
  { name: 'a field too many', damage: (record) => `${record},` },
  {
    name: 'no date of the calendar',
    damage: (record) => record.replace(/,(\d{4})-\d\d-/, ',$1-13-'),
  },
  {
    name: 'a byte that is no UTF-8',
    damage: (record) => record.replace(/metric_one/, 'm\xfftric'),
  },
  { name: 'broken JSON', damage: (record) => record.replace('{', '') },
];

it('equals the load of the clean file', async () => {
  const cwd = await makeDirectory();
  const { files } = await generateEvents(cwd, '--files', '1', '--count', '3000');
  const file = path.join(cwd, files[0]!);
  const clean = (await import('node:fs')).readFileSync(file, 'latin1');
  await run(cwd, 'seed-dimensions');
  await run(cwd, 'ingest', files[0]!);
  expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(await sumFiles([file]))]);
  const wanted = await content();
  await database.query('TRUNCATE events');
  await database.query('TRUNCATE edp.loads CASCADE');

  const [header, ...records] = clean.trimEnd().split('\n');
  const damaged = new Map<string, string>();
  const dirty = records.map((record, i) => {
    if (i % 100 !== 50) return record;
    const { damage } = DAMAGES[((i / 50 - 1) % DAMAGES.length) | 0]!;
    const broken = damage(record);
    expect(broken).not.toBe(record);
    damaged.set(broken, record);
    return broken;
  });
  await writeFile(
    path.join(cwd, 'events-dirty.csv'),
    `${[header, ...dirty].join('\n')}\n`,
    'latin1',
  );
  const loaded = await run(cwd, 'ingest', 'events-dirty.csv', '--json', '--read-batch-size', '200');
  expect(loaded.json.rows, loaded.stderr).toEqual({
    read: 3000,
    loaded: 2970,
    rejected: 30,
    duplicate: 0,
  });
  const load = String(loaded.json.files[0].loadId);

  const { json } = await run(cwd, 'rejects', load, '--json');
  const invalid = json.rejects.filter((reject) => reject.rawBase64);
  expect(invalid.length).toBeGreaterThan(0);
  for (const { rawBase64, raw, code } of invalid) {
    expect(code).toBe('invalid_utf8');
    expect(damaged.has(Buffer.from(rawBase64!, 'base64').toString('latin1'))).toBe(true);
    expect(raw).toContain('\ufffd');
  }
  expect(invalid).toEqual(json.rejects.filter(({ code }) => code === 'invalid_utf8'));

  const raw = path.join(cwd, 'raw.csv');
  const [, ...rejected] = (await rawRejects(cwd, load, raw)).trimEnd().split('\n');
  expect(rejected.sort()).toEqual([...damaged.keys()].sort());
  const mended = rejected.map((record) => damaged.get(record)!);
  await writeFile(path.join(cwd, 'mended.csv'), `${[header, ...mended].join('\n')}\n`, 'latin1');
  const again = await run(cwd, 'ingest', 'mended.csv', '--table', 'events', '--json');
  expect(again.json.rows, again.stderr).toEqual({
    read: 30,
    loaded: 30,
    rejected: 0,
    duplicate: 0,
  });
  expect(await content()).toEqual(wanted);

  // The unchanged rejects, loaded as a file, are rejected for the same reasons.
  const raws = await run(cwd, 'ingest', 'raw.csv', '--table', 'events', '--json');
  expect(raws.json.rows, raws.stderr).toEqual({ read: 30, loaded: 0, rejected: 30, duplicate: 0 });
  const second = await run(cwd, 'rejects', String(raws.json.files[0].loadId), '--json');
  const faultsOf = (rejects: JsonOf<'rejects'>['rejects']) =>
    rejects.map(({ code, reason, raw: bytes }) => [code, reason, bytes]);
  expect(faultsOf(second.json.rejects)).toEqual(faultsOf(json.rejects));
});

/** `edp rejects --raw`, byte for byte, into a file. */
async function rawRejects(cwd: string, load: string, file: string): Promise<string> {
  const { execFileSync } = await import('node:child_process');
  const { fileURLToPath } = await import('node:url');
  const cli = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));
  const args = [cli, 'rejects', load, '--raw', '--database-url', database.url];
  const bytes = execFileSync(process.execPath, args, { cwd });
  await writeFile(file, bytes);
  return bytes.toString('latin1');
}
