/** Every command once, on the embedded server, by whichever Node runs the tests; see README.md. */
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { zstd } from '../support/packed.js';
import { makeTemporary } from '../support/temporary.js';

/** What a version of Node has against a program: a feature that is deprecated, or is an experiment. */
const NODE_WARNING = /\(node:\d+\)|(?:Deprecation|Experimental)Warning/;

describe(`Node ${process.versions.node}`, () => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await makeTemporary();
    await run('db', 'start');
  });
  afterAll(async () => {
    await run('db', 'stop');
    await rm(cwd, { recursive: true, force: true, maxRetries: 3 });
  });

  /** Its warnings are faults, whatever else it does. */
  async function run<const A extends readonly string[]>(...args: A) {
    const result = await edp(args, { cwd });
    expect(result.stderr).not.toMatch(NODE_WARNING);
    return result;
  }

  /** @returns the JSON of a command that does what it should */
  async function json<const A extends readonly string[]>(...args: A) {
    const result = await run(...([...args, '--json'] as unknown as A));
    expect(result, result.stderr).toMatchObject({ status: 0 });
    return result.json;
  }

  const write = (name: string, content: string | Buffer) =>
    writeFile(path.join(cwd, name), content);

  it('tells its version, and its help', async () => {
    expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await run('ingest', '--help')).stdout).toContain('--on-conflict');
  });

  it('generates data, loads it, reports, verifies and undoes', async () => {
    const generated = await json(
      'generate-data',
      '--files',
      '2',
      '--count',
      '20000',
      '--seed',
      '3',
    );
    expect(generated.rows).toEqual({ read: 20_000 });
    await json('seed-dimensions');
    const loaded = await json('ingest', 'events', '--read-batch-size', '3000');
    expect(loaded.rows).toEqual({ read: 20_000, loaded: 20_000, rejected: 0, duplicate: 0 });
    const report = await json('generate-report', 'count_hourly_events_by_first_dimension');
    expect(report.rows).toBeGreaterThan(100);
    const { loads } = await json('status');
    expect(loads).toHaveLength(4);
    const last = String(loads[0].loadId);
    expect((await json('verify', last)).differences).toEqual([]);
    expect((await json('undo', last, '--yes')).state).toBe('undone');
  });

  it('rejects, replays, and keeps a metric until it is promoted', async () => {
    await write(
      'events-1.csv',
      'id,recorded_date,created_date,first_dimension_id,second_dimension_id,event_metrics\n' +
        '900001,2024-01-01,,4711,,"{""metrics"": {""metric_one"": 1}}"\n' +
        '900002,2024-01-01,,,,"{""metrics"": {""metric_x"": 2}}"\n',
    );
    const result = await run('ingest', 'events-1.csv', '--json');
    expect(result.status, result.stderr).toBe(3);
    const load = String(result.json.files[0].loadId);
    expect((await json('rejects', load)).rejects).toMatchObject([{ code: 'missing_dimension' }]);
    const replayed = await json('replay', load, '--missing-dimensions', 'infer');
    expect(replayed.rows).toMatchObject({ read: 1, loaded: 1 });
    expect((await json('promote', 'metric_x')).rows).toMatchObject({ moved: 1, left: 0 });
  });

  const NOTES = `id;at;body\n${Array.from({ length: 500 }, (_, i) => `${i};2024-01-01 00:00;é ${i}\n`).join('')}`;
  const LINES = Array.from(
    { length: 500 },
    (_, i) => `{"id": ${i}, "at": "2024-01-01 00:00", "body": "é ${i}"}\n`,
  ).join('');
  it.each([
    { file: 'plain.csv', bytes: Buffer.from(NOTES) },
    { file: 'gzip.csv', bytes: gzipSync(NOTES) },
    { file: 'zstd.csv', bytes: zstd(Buffer.from(NOTES)) },
    { file: 'utf_16.csv', bytes: Buffer.from(`\ufeff${NOTES}`, 'utf16le') },
    { file: 'lines.jsonl', bytes: Buffer.from(LINES) },
  ])('infers a table from $file, and loads it', async ({ file, bytes }) => {
    await write(file, bytes);
    expect((await json('inspect', file)).columns).toHaveLength(3);
    expect((await json('model', 'infer', file)).tables).toHaveLength(1);
    const loaded = await json('ingest', file, '--create', '--force');
    expect(loaded.rows).toMatchObject({ loaded: 500, rejected: 0 });
  });

  it('says what is wrong with a command, and where its fault is', async () => {
    const result = await run('ingest', 'nothing.csv', '--json');
    expect(result.status).toBe(2);
    expect(result.json.error.code).toBe('no_such_file');
  });
});
