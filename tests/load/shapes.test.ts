/** Event files of every shape that is accepted, through the built command line. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const HEADER = 'id,recorded_date,created_date,first_dimension_id,second_dimension_id,event_metrics';
const T1 = '2024-03-01 10:00:00';
const T2 = '2024-03-01 10:00:05';

/** A record of the event file, with its JSON quoted as CSV demands. */
function record(id: number | string, json: string, dimensions = '1,2'): string {
  const quoted = json === '' ? '' : `"${json.replaceAll('"', '""')}"`;
  return `${id},${T1},${T2},${dimensions},${quoted}`;
}

const FULL = '{"metrics": {"metric_one": 12, "metric_two": 3456, "metric_n": 78900}}';
/** Columns that every case compares: id, metrics, extra. */
const FULL_ROW = [1, 12, 3456, 78900, null];

interface Shape {
  readonly name: string;
  readonly content: string | Buffer;
  readonly rows: readonly (readonly unknown[])[];
  readonly args?: readonly string[];
  readonly rejected?: Readonly<Record<string, number>>;
}

const SHAPES: readonly Shape[] = [
  { name: 'plain', content: `${HEADER}\n${record(1, FULL)}\n`, rows: [FULL_ROW] },
  {
    name: 'shuffled columns',
    content: `event_metrics,second_dimension_id,id,created_date,first_dimension_id,recorded_date\n"${FULL.replaceAll('"', '""')}",2,1,${T2},1,${T1}\n`,
    rows: [FULL_ROW],
  },
  {
    name: 'tab-separated, JSON quoted',
    content: `${HEADER}\n${record(1, FULL)}\n`
      .replaceAll(',', '\t')
      .replaceAll('12\t ""', '12, ""')
      .replaceAll('3456\t ""', '3456, ""'),
    rows: [FULL_ROW],
  },
  {
    name: 'tab-separated, JSON bare',
    content: `${HEADER.replaceAll(',', '\t')}\n1\t${T1}\t${T2}\t1\t2\t${FULL}\n`,
    rows: [FULL_ROW],
  },
  { name: 'CRLF', content: `${HEADER}\r\n${record(1, FULL)}\r\n`, rows: [FULL_ROW] },
  { name: 'CR alone', content: `${HEADER}\r${record(1, FULL)}\r`, rows: [FULL_ROW] },
  { name: 'a byte order mark', content: `\ufeff${HEADER}\n${record(1, FULL)}\n`, rows: [FULL_ROW] },
  {
    name: 'a quoted header behind a byte order mark',
    content: `\ufeff"id",${HEADER.slice(3)}\n${record(1, FULL)}\n`,
    rows: [FULL_ROW],
  },
  { name: 'no final newline', content: `${HEADER}\n${record(1, FULL)}`, rows: [FULL_ROW] },
  { name: 'blank lines', content: `${HEADER}\n\n${record(1, FULL)}\n\n\n`, rows: [FULL_ROW] },
  { name: 'header only', content: `${HEADER}\n`, rows: [] },
  { name: 'header only, without newline', content: HEADER, rows: [] },
  { name: 'empty', content: '', rows: [] },
  {
    name: 'metrics in any order',
    content: `${HEADER}\n${record(1, '{"metrics": {"metric_n": 78900, "metric_one": 12, "metric_two": 3456}}')}\n`,
    rows: [FULL_ROW],
  },
  {
    name: 'a missing metric',
    content: `${HEADER}\n${record(1, '{"metrics": {"metric_two": 3456}}')}\n`,
    rows: [[1, null, 3456, null, null]],
  },
  {
    name: 'no metrics at all, in every way',
    content: `${HEADER}\n${['{"metrics": {}}', '{}', '', '{"metrics": null}', 'null'].map((json, i) => record(i + 1, json)).join('\n')}\n`,
    rows: [1, 2, 3, 4, 5].map((id) => [id, null, null, null, null]),
  },
  {
    name: 'unknown metrics, digit for digit',
    content: `${HEADER}\n${record(1, '{"metrics": {"metric_one": 1, "big": 12345678901234567890, "exact": 1.10, "s": "x"}}')}\n`,
    rows: [[1, 1, null, null, '{"s": "x", "big": 12345678901234567890, "exact": 1.10}']],
  },
  {
    name: 'what stands beside the metrics is kept',
    content: `${HEADER}\n${record(1, '{"source": "web", "metrics": {"metric_one": 1}}')}\n`,
    rows: [[1, 1, null, null, '{"$rest": {"source": "web"}}']],
  },
  {
    name: 'a metric in a string',
    content: `${HEADER}\n${record(1, '{"metrics": {"metric_one": "12", "metric_two": "+7"}}')}\n`,
    rows: [[1, 12, 7, null, null]],
  },
  {
    name: 'JSON over several lines',
    content: `${HEADER}\n${record(1, '{\n "metrics":\n {"metric_one": 12}}')}\n${record(2, FULL)}\n`,
    rows: [
      [1, 12, null, null, null],
      [2, ...FULL_ROW.slice(1)],
    ],
  },
  {
    name: 'integers with sign and decimal zeros',
    content: `${HEADER}\n${record('+1.0', FULL, '1.00,02')}\n`,
    rows: [FULL_ROW],
  },
  {
    name: 'bad records of each kind among good ones',
    content: `${[
      HEADER,
      record(1, FULL),
      record('1x', FULL),
      record(2, '{"metrics": {"metric_one": 1.5}}'),
      record(3, '{"metrics": {"metric_one": true}}'),
      record(4, '{"metrics": '),
      record(5, '{"metrics": [1]}'),
      record('6,7', FULL),
      record(7, FULL, '99,2'),
      record(8, '{"metrics": {"metric_one": 3000000000}}'),
      `9,2024-02-30 10:00:00,${T2},1,2,`,
      `10,${T1},yesterday,1,2,`,
      record(1, FULL),
      record(1, '{"metrics": {"metric_one": 13}}'),
      record('', FULL),
      `11,${T1},${T2},1,2,"{}"x`,
      record(12, '{"metrics": {"metric_one": 1, "metric_one": 2}}'),
      record(2, FULL),
    ].join('\n')}\n`,
    rows: [FULL_ROW, [2, ...FULL_ROW.slice(1)]],
    rejected: {
      bad_integer: 1,
      bad_metric: 2,
      bad_json: 3,
      wrong_field_count: 1,
      missing_dimension: 1,
      out_of_range: 1,
      bad_timestamp: 2,
      conflict: 1,
      null_value: 1,
      bad_quote: 1,
    },
  },
  {
    name: 'a delimiter of one’s own',
    content: `${HEADER.replaceAll(',', '^')}\n1^${T1}^${T2}^1^2^"${FULL.replaceAll('"', '""')}"\n`,
    rows: [FULL_ROW],
    args: ['--delimiter', '^'],
  },
];

describe('ingest', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
    await database.query("INSERT INTO first_dimensions VALUES (1, 'one')");
    await database.query("INSERT INTO second_dimensions VALUES (2, 'two', 1)");
  });
  beforeEach(async () => {
    await database.query('TRUNCATE events');
    await database.query('TRUNCATE edp.loads CASCADE');
  });

  it.each(SHAPES)(
    'loads a file with $name',
    async ({ content, rows, args = [], rejected = {} }) => {
      const cwd = await makeDirectory();
      await writeFile(path.join(cwd, 'events-1.csv'), content);
      const result = await edp(
        ['ingest', 'events-1.csv', '--json', '--database-url', database.url, ...args],
        { cwd },
      );
      const rejectCount = Object.values(rejected).reduce((sum, count) => sum + count, 0);
      expect(result, result.stderr).toMatchObject({ status: rejectCount > 0 ? 3 : 0 });

      expect(
        await database.query(
          'SELECT id, metric_one, metric_two, metric_n, extra_metrics::text FROM events ORDER BY id',
        ),
      ).toEqual(rows);
      const [file] = result.json.files;
      expect(file).toMatchObject({ path: 'events-1.csv', table: 'events', status: 'loaded' });
      expect(file.rows.loaded).toBe(rows.length);
      expect(file.rows.rejected).toBe(rejectCount);
      expect(file.rows.read).toBe(file.rows.loaded + file.rows.rejected + file.rows.duplicate);
      expect(result.json.rows).toEqual(file.rows);
      const codes = await database.query('SELECT code, count(*) FROM edp.rejects GROUP BY code');
      expect(Object.fromEntries(codes)).toEqual(rejected);
    },
  );

  it('keeps times, dimensions and lineage', async () => {
    const cwd = await makeDirectory();
    await writeFile(
      path.join(cwd, 'events.csv'),
      `${HEADER}\n1,2024-03-01T10:00:00.25+02:00,2024-03-01 10:00:05,1,2,\n2,,infinity,,,\n`,
    );
    const { json } = await edp(['ingest', 'events.csv', '--json', '--database-url', database.url], {
      cwd,
    });
    expect(
      await database.query(
        'SELECT id, recorded_date, created_date, first_dimension_id, second_dimension_id, load_id FROM events ORDER BY id',
      ),
    ).toEqual([
      [1, '2024-03-01 08:00:00.25', '2024-03-01 10:00:05', 1, 2, json.files[0].loadId],
      [2, null, 'infinity', null, null, json.files[0].loadId],
    ]);
  });

  it('stores rejects byte for byte, with line and offset, and gives them back as a CSV', async () => {
    const cwd = await makeDirectory();
    const bad = [
      Buffer.from(`x,${T1},${T2},1,2,`),
      Buffer.concat([
        Buffer.from(`3,${T1},${T2},1,2,"{""metrics"": {""a`),
        Buffer.from([0xff]),
        Buffer.from('"": 1}}"'),
      ]),
    ];
    const good = Buffer.from(record(1, '{\n"metrics": {}}'));
    const newline = Buffer.from('\r\n');
    const content = Buffer.concat([
      Buffer.from(HEADER),
      newline,
      good,
      newline,
      bad[0]!,
      newline,
      bad[1]!,
    ]);
    await writeFile(path.join(cwd, 'events.csv'), content);
    const { json, status } = await edp(
      ['ingest', 'events.csv', '--json', '--database-url', database.url],
      { cwd },
    );
    expect(status).toBe(3);
    const load = String(json.files[0].loadId);
    const listed = await edp(['rejects', load, '--json', '--database-url', database.url], { cwd });
    expect(listed.json.rejects).toMatchObject([
      {
        loadId: Number(load),
        path: 'events.csv',
        line: 4,
        byteOffset: content.indexOf(bad[0]!),
        column: 'id',
        code: 'bad_integer',
        raw: bad[0]!.toString(),
      },
      {
        line: 5,
        byteOffset: content.indexOf(bad[1]!),
        column: 'event_metrics',
        code: 'invalid_utf8',
      },
    ]);
    const rows = await database.query('SELECT raw FROM edp.rejects ORDER BY byte_offset');
    expect(rows.map(([raw]) => raw)).toEqual(bad);
    const raw = await edp(['rejects', load, '--raw', '--database-url', database.url], { cwd });
    expect(raw.stdout.split('\n').slice(0, 2)).toEqual([HEADER, bad[0]!.toString()]);
  });

  it('reads standard input', async () => {
    const cwd = await makeDirectory();
    const result = await edp(
      ['ingest', '-', '--table', 'events', '--json', '--database-url', database.url],
      { cwd, input: `${HEADER}\n${record(1, FULL)}\n` },
    );
    expect(result.status).toBe(0);
    expect(result.json.rows.loaded).toBe(1);
    expect(await database.query('SELECT count(*) FROM events')).toEqual([[1]]);
  });
});
