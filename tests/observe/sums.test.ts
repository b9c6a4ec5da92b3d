/** The numbers that edp counts are those that it prints with --json, and those of the ledger. */
import { cp, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { generateEvents } from '../support/events.js';
import {
  type OtlpSpan,
  parseSamples,
  receiveHttp,
  type Sample,
  samplesOfOtlp,
  spansOf,
  sumOf,
  sumsBy,
} from '../support/metrics.js';

const database = useTestDatabase();

const RESULTS = ['loaded', 'rejected', 'duplicate'] as const;

/** Runs a command with a textfile. */
async function measure<const A extends readonly string[]>(
  cwd: string,
  args: A,
  env: Record<string, string> = {},
) {
  const file = path.join(cwd, 'edp.prom');
  const all = [...args, '--json', '--metrics', `textfile:${file}`] as const;
  const result = await edp(all, { cwd, env: { EDP_DATABASE_URL: database.url, ...env } });
  return { ...result, samples: parseSamples(await readFile(file, 'utf8')) };
}

/** What the last run of the ledger has changed, and rejected. */
async function lastRun() {
  const [run] = await database.query(
    `SELECT inserted::int, updated::int, deleted::int, rejected::int FROM edp.runs ORDER BY run_id DESC LIMIT 1`,
  );
  const [inserted, updated, deleted, rejected] = run as number[];
  return { inserted, updated, deleted, rejected };
}

function changesIn(samples: readonly Sample[]) {
  const of = (result: string) => sumOf(samples, 'edp_rows_total', { result });
  return {
    inserted: of('inserted'),
    updated: of('updated'),
    deleted: of('deleted'),
    rejected: of('rejected'),
  };
}

function resultsIn(samples: readonly Sample[]) {
  return Object.fromEntries(
    RESULTS.map((result) => [result, sumOf(samples, 'edp_rows_total', { result })]),
  );
}

/** Holds a load to its JSON and to the ledger. */
async function expectAgrees(
  { json, samples }: Awaited<ReturnType<typeof measure<readonly ['ingest']>>>,
  command = 'ingest',
): Promise<void> {
  const { loaded, rejected, duplicate } = json.thisRun.rows;
  expect(resultsIn(samples)).toEqual({ loaded, rejected, duplicate });
  expect(sumOf(samples, 'edp_bytes_total')).toBe(json.thisRun.bytes);
  expect(changesIn(samples)).toEqual(await lastRun());
  expect(sumOf(samples, 'edp_run_seconds', { command })).toBeGreaterThan(0);
  const receipts = sumOf(samples, 'edp_split_seconds_count');
  expect(receipts > 0).toBe(json.thisRun.rows.read > 0);
}

async function rejectCodes(): Promise<Record<string, number>> {
  return Object.fromEntries(
    await database.query('SELECT code, count(*)::int FROM edp.rejects GROUP BY 1'),
  );
}

async function beginAnew(): Promise<string> {
  await database.query('TRUNCATE events, first_dimensions, second_dimensions');
  await database.query('TRUNCATE edp.loads CASCADE');
  const cwd = await makeDirectory();
  return cwd;
}

const BULK = { EDP_FAILPOINTS: 'bulk.min_bytes:=1' };
const HEADER = 'id,recorded_date,created_date,first_dimension_id,second_dimension_id,event_metrics';

const LINES = `${HEADER}\n${Array.from({ length: 400 }, (_, i) => `${i},,,,,\n`).join('')}`;
const SPLITS = ['--read-batch-size', '60'];
const FOOTER = ['--skip-footer', '1'];

describe('the numbers of a load are those of its JSON and of the ledger', () => {
  it.each<[string, generated: string[], args: string[], env?: Record<string, string>]>([
    [
      'in splits',
      ['--files', '2', '--count', '4000', '--dirty', '0.05'],
      ['--read-batch-size', '700'],
    ],
    ['of clean files', ['--files', '2', '--count', '4000'], ['--read-batch-size', '700']],
    ['in bulk', ['--files', '2', '--count', '4000'], [], BULK],
    [
      'in bulk that the server refuses',
      ['--files', '2', '--count', '4000', '--dirty', '0.05'],
      [],
      BULK,
    ],
    ['of groups of files', ['--files', '40', '--count', '4000'], []],
    ['of groups with rejects', ['--files', '40', '--count', '4000', '--dirty', '0.02'], []],
    [
      'with inferred members',
      ['--files', '2', '--count', '2000', '--dirty', '0.05'],
      ['--missing-dimensions', 'infer'],
    ],
    [
      'with one worker',
      ['--files', '3', '--count', '3000', '--dirty', '0.1'],
      ['--process-count', '1'],
    ],
    ['that replaces', ['--files', '2', '--count', '2000', '--dirty', '0.01'], ['--replace']],
  ])('%s', async (name, generated, args, env = {}) => {
    const cwd = await beginAnew();
    const seed = String(name.length);
    await generateEvents(cwd, '--seed', seed, '--out', path.join(cwd, 'data'), ...generated);
    const seeded = await measure(cwd, ['seed-dimensions'], env);
    await expectAgrees(seeded as never, 'seed-dimensions');
    const result = await measure(cwd, ['ingest', 'events', ...args], env);
    await expectAgrees(result as never);
    expect(result.json.thisRun.bytes).toBe(result.json.bytes);
    expect(sumsBy(result.samples, 'edp_ingest_errors_total', 'code')).toEqual(await rejectCodes());
  });

  it.each<[string, string | Buffer, name?: string, args?: string[]]>([
    ['with a byte order mark and comments', `\uFEFF# of us\n${HEADER}\n1,,,,,\n\n# end\n`],
    [
      'with a footer',
      `${HEADER}\n1,,,,,\n2,,,,,\nTOTAL,2\n`,
      'events-1.csv',
      ['--skip-footer', '1'],
    ],
    ['with a header alone', `${HEADER}\n`],
    ['that is empty', ''],
    ['that is compressed', gzipSync(`${HEADER}\n1,,,,,\n`), 'events-1.csv.gz'],
    ['that is compressed, without records', gzipSync(`${HEADER}\n`), 'events-1.csv.gz'],
    ['in UTF-16', Buffer.from(`\uFEFF${HEADER}\n1,,,,,\n2,,,,,\n`, 'utf16le')],
    ['in several splits', LINES, 'events-1.csv', SPLITS],
    ['in several splits, with a footer', `${LINES}END\n`, 'events-1.csv', [...SPLITS, ...FOOTER]],
    ['that is compressed, in several splits', gzipSync(LINES), 'events-1.csv.gz', SPLITS],
  ])('%s: all of its bytes', async (_, content, name = 'events-1.csv', args = []) => {
    const cwd = await beginAnew();
    await writeFile(path.join(cwd, name), content);
    const { size } = await stat(path.join(cwd, name));
    const bytesOf = ({ json, samples }: Awaited<ReturnType<typeof measure<['ingest']>>>) => [
      json.bytes,
      json.thisRun.bytes,
      sumOf(samples, 'edp_bytes_total'),
    ];
    const result = await measure(cwd, ['ingest', name, ...args]);
    await expectAgrees(result as never);
    expect(bytesOf(result as never)).toEqual([size, size, size]);
    const replaced = await measure(cwd, ['ingest', name, '--replace', ...args]);
    await expectAgrees(replaced as never);
    expect(bytesOf(replaced as never)).toEqual([size, size, size]);
    if (args.includes('--read-batch-size')) {
      expect(sumOf(replaced.samples, 'edp_split_seconds_count')).toBeGreaterThan(1);
    }
  });

  it('that replaces by several splits: the spans of the splits have their own bytes', async () => {
    const cwd = await beginAnew();
    await writeFile(path.join(cwd, 'events-1.csv'), LINES);
    const { port, received } = await receiveHttp();
    const metrics = ['--metrics', `otlp:http://127.0.0.1:${port}`];
    const { json } = await edp(
      ['ingest', 'events-1.csv', '--replace', '--json', ...SPLITS, ...metrics],
      { cwd, env: { EDP_DATABASE_URL: database.url } },
    );
    const splits = spansOf(received).filter(({ name }) => name === 'split');
    const numbersOf = (split: OtlpSpan) =>
      ['edp.bytes', 'edp.start_byte', 'edp.end_byte'].map((wanted) =>
        Number(split.attributes.find(({ key }) => key === wanted)?.value.intValue),
      );
    const spans = splits.map(numbersOf).sort(([, a = 0], [, b = 0]) => a - b);
    expect(spans.length).toBeGreaterThan(1);
    expect(spans.map(([bytes]) => bytes)).toEqual(spans.map(([, from = 0, to = 0]) => to - from));
    expect(spans[0]![1]).toBe(HEADER.length + 1);
    expect(sumOf(samplesOfOtlp(received), 'edp_bytes_total')).toBe(json.bytes);
  });

  it('that is stopped and goes on: the sums of both runs', async () => {
    const cwd = await beginAnew();
    const data = path.join(cwd, 'data');
    await generateEvents(cwd, '--out', data, '--files', '1', '--count', '5000', '--dirty', '0.04');
    await measure(cwd, ['seed-dimensions']);
    const args = ['ingest', 'events', '--read-batch-size', '300', '--process-count', '1'] as const;
    const first = await measure(cwd, [...args, '--max-rejects', '50']);
    expect(first.status).toBe(1);
    expect(first.json.thisRun.rows.read).toBeLessThan(5000);
    await expectAgrees(first as never);
    const second = await measure(cwd, args);
    await expectAgrees(second as never);
    expect(first.json.thisRun.bytes + second.json.thisRun.bytes).toBe(second.json.bytes);
    const { loaded, rejected, duplicate } = second.json.rows;
    expect(resultsIn([...first.samples, ...second.samples])).toEqual({
      loaded,
      rejected,
      duplicate,
    });
    const codes = sumsBy([...first.samples, ...second.samples], 'edp_ingest_errors_total', 'code');
    expect(codes).toEqual({ ...(await rejectCodes()), too_many_rejects: 1 });
  });

  it('the second time: conflicts, replaced rows, nothing new', async () => {
    const cwd = await beginAnew();
    const write = (name: string, metric: number) =>
      writeFile(
        path.join(cwd, name),
        `${HEADER}\n${Array.from({ length: 500 }, (_, i) => `${i},,,,,"{""metrics"":{""metric_one"":${i % 2 === 0 ? metric : 1}}}"`).join('\n')}\n`,
      );
    await write('events-1.csv', 1);
    await write('events-2.csv', 2);
    await expectAgrees((await measure(cwd, ['ingest', 'events-1.csv'])) as never);
    const refused = await measure(cwd, ['ingest', 'events-2.csv']);
    await expectAgrees(refused as never);
    expect(resultsIn(refused.samples)).toEqual({ loaded: 0, rejected: 250, duplicate: 250 });
    const updated = await measure(cwd, [
      'ingest',
      'events-2.csv',
      '--force',
      '--on-conflict',
      'update',
    ]);
    await expectAgrees(updated as never);
    expect(changesIn(updated.samples)).toMatchObject({ updated: 250 });
    const again = await measure(cwd, ['ingest', 'events-1.csv']);
    await expectAgrees(again as never);
    expect(resultsIn(again.samples)).toEqual({ loaded: 0, rejected: 0, duplicate: 0 });
  });

  it('of a dry run there are none', async () => {
    const cwd = await beginAnew();
    await writeFile(path.join(cwd, 'events-1.csv'), `${HEADER}\n1,,,,,\nx,,,,,\n`);
    const { json, samples } = await measure(cwd, ['ingest', 'events-1.csv', '--dry-run']);
    expect(json.rows).toMatchObject({ loaded: 1, rejected: 1 });
    expect(resultsIn(samples)).toEqual({ loaded: 0, rejected: 0, duplicate: 0 });
    expect(sumsBy(samples, 'edp_ingest_errors_total', 'code')).toEqual({});
    expect(sumOf(samples, 'edp_bytes_total')).toBe(0);
  });
});

describe('the numbers of what mends', () => {
  it('replay and undo: those of their JSON and of the ledger', async () => {
    const cwd = await beginAnew();
    const lines = Array.from({ length: 300 }, (_, i) => `${i},,,${(i % 3) + 1},,`);
    await writeFile(path.join(cwd, 'events-1.csv'), `${HEADER}\n${lines.join('\n')}\nx,,,,,\n`);
    await database.query("INSERT INTO first_dimensions (id, name) VALUES (1, 'one')");
    const loaded = await measure(cwd, ['ingest', 'events-1.csv']);
    await expectAgrees(loaded as never);
    const load = String(loaded.json.files[0]!.loadId);
    await database.query("INSERT INTO first_dimensions (id, name) VALUES (2, 'two')");
    const replayed = await measure(cwd, ['replay', load]);
    const { rows } = replayed.json;
    expect(rows).toEqual({ read: 201, loaded: 100, rejected: 101, duplicate: 0 });
    expect(resultsIn(replayed.samples)).toEqual({ loaded: 100, rejected: 101, duplicate: 0 });
    expect(changesIn(replayed.samples)).toEqual(await lastRun());
    expect(sumsBy(replayed.samples, 'edp_ingest_errors_total', 'code')).toEqual(
      await rejectCodes(),
    );
    const inferred = await measure(cwd, ['replay', load, '--missing-dimensions', 'infer']);
    expect(changesIn(inferred.samples)).toEqual(await lastRun());
    expect(changesIn(inferred.samples)).toMatchObject({ inserted: 101, rejected: 1 });
    const undone = await measure(cwd, ['undo', load, '--yes']);
    const { removed } = undone.json;
    expect(removed).toMatchObject({ rows: 300, rejects: 1, inferredMembers: 1 });
    expect(changesIn(undone.samples)).toEqual(await lastRun());
    expect(changesIn(undone.samples)).toMatchObject({ deleted: 301 });
  });

  it('promote: the rows that got a value', async () => {
    const cwd = await beginAnew();
    const lines = Array.from({ length: 50 }, (_, i) => `${i},,,,,"{""metrics"":{""shiny"":${i}}}"`);
    await writeFile(path.join(cwd, 'events-1.csv'), `${HEADER}\n${lines.join('\n')}\n`);
    await expectAgrees((await measure(cwd, ['ingest', 'events-1.csv'])) as never);
    const { json, samples } = await measure(cwd, ['promote', 'shiny']);
    expect(json.rows.moved).toBe(50);
    expect(changesIn(samples)).toEqual({ ...(await lastRun()), rejected: 0 });
    expect(changesIn(samples)).toMatchObject({ updated: 50 });
  });
});

describe('the numbers of a warehouse', () => {
  it('run and check: those of their JSON and of the ledger', async () => {
    const cwd = await makeDirectory();
    const example = path.join(import.meta.dirname, '../../examples/warehouse');
    await cp(example, cwd, { recursive: true });
    const loaded = await measure(cwd, ['ingest', 'data/*.csv']);
    await expectAgrees(loaded as never);
    const run = await measure(cwd, ['run']);
    const { tasks } = run.json;
    expect(tasks.length).toBeGreaterThan(3);
    for (const result of ['inserted', 'updated', 'deleted'] as const) {
      const sum = tasks.reduce((all, { rows }) => all + rows[result], 0);
      expect(sumOf(run.samples, 'edp_rows_total', { result }), result).toBe(sum);
    }
    expect(changesIn(run.samples)).toEqual({ ...(await lastRun()), rejected: 0 });
    const seconds = sumsBy(run.samples, 'edp_task_seconds', 'task');
    expect(Object.keys(seconds).sort()).toEqual([...new Set(tasks.map(({ task }) => task))].sort());
    const check = await measure(cwd, ['check']);
    const failing = check.json.checks.reduce((sum, one) => sum + one.failing, 0);
    expect(sumOf(check.samples, 'edp_check_failures')).toBe(failing);
    expect(check.samples.filter(({ name }) => name === 'edp_check_failures')).toHaveLength(
      check.json.checks.length,
    );
    const fresh = sumsBy(check.samples, 'edp_freshness_seconds', 'table');
    expect(Object.keys(fresh)).toContain(tasks.find(({ kind }) => kind === 'fact')!.task);
  });
});
