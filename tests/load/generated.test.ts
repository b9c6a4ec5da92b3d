/** Generated files, clean and dirty: the table equals what an independent reading of them gives. */
import path from 'node:path';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { generateEvents, sumFiles, TOTALS_SQL, totalsRow } from '../support/events.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  await database.query('TRUNCATE events, first_dimensions, second_dimensions');
  await database.query('TRUNCATE edp.loads CASCADE');
});

it('clean files', async () => {
  const cwd = await makeDirectory();
  const { files } = await generateEvents(cwd, '--files', '3', '--count', '60000', '--seed', '11');
  await edp(['seed-dimensions', '--database-url', database.url], { cwd });
  const result = await edp(
    ['ingest', 'events', '--json', '--read-batch-size', '7000', '--database-url', database.url],
    { cwd },
  );
  expect(result, result.stderr).toMatchObject({ status: 0 });
  expect(result.json.rows).toEqual({ read: 60_000, loaded: 60_000, rejected: 0, duplicate: 0 });
  const totals = await sumFiles(files.map((file) => path.join(cwd, file)));
  expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(totals)]);
});

it.each([
  { workers: 1, records: 100_000 },
  { workers: 4, records: 1000 },
])(
  'dirty files with unknown metrics, $workers workers, $records records a split',
  async ({ workers, records }) => {
    const cwd = await makeDirectory();
    const { json: expected } = await generateEvents(
      cwd,
      '--files',
      '3',
      '--count',
      '30000',
      '--seed',
      '5',
      '--dirty',
      '0.02',
      '--unknown-metrics',
      '0.02',
    );
    await edp(['seed-dimensions', '--database-url', database.url], { cwd });
    const result = await edp(
      [
        'ingest',
        'events',
        '--json',
        '--process-count',
        `${workers}`,
        '--read-batch-size',
        `${records}`,
        '--database-url',
        database.url,
      ],
      { cwd },
    );
    expect(result, result.stderr).toMatchObject({ status: 3 });
    expect(result.json.rows).toEqual({ read: 30_000, ...expected.expected });
    expect(result.json.unknownMetrics).toEqual(expected.unknownMetrics);
    for (const [i, file] of result.json.files.entries()) {
      expect(file.rows).toMatchObject(expected.files[i].expected);
      const codes = await database.query(
        'SELECT code, count(*) FROM edp.rejects WHERE load_id = $1 GROUP BY code',
        [file.loadId],
      );
      expect(Object.fromEntries(codes)).toEqual(expected.files[i].rejectCodes);
    }
    const { metric_one, metric_two, metric_n } = expected.metricSums;
    expect(
      await database.query(
        'SELECT sum(metric_one)::bigint, sum(metric_two)::bigint, sum(metric_n)::bigint FROM events',
      ),
    ).toEqual([[metric_one, metric_two, metric_n]]);
    expect(
      Object.fromEntries(
        await database.query(
          'SELECT key, count(*) FROM events, jsonb_object_keys(extra_metrics) AS key GROUP BY key',
        ),
      ),
    ).toEqual(expected.unknownMetrics);
  },
);
