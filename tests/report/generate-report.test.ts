/** The built-in reports, and what the server says against a report, on a real server. */
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EdpError } from '../../src/base/errors.js';
import { BUILTIN_MODEL } from '../../src/model/builtin.js';
import { parseModel } from '../../src/model/schema.js';
import { findReport, readCatalog } from '../../src/report/catalog.js';
import { bindReport } from '../../src/report/parameters.js';
import { parseReport, type Report } from '../../src/report/report.js';
import { type ReadOptions, readReport } from './read-report.js';
import { SLOW, startProject, type TestProject } from './setup.js';

let project: TestProject;
beforeAll(async () => {
  project = await startProject();
}, SLOW);
afterAll(() => project.stop(), SLOW);

async function run(report: Report, options?: ReadOptions) {
  const { content, ...outcome } = await readReport(project.client, report, options);
  expect(outcome.bytes).toBe(content.length);
  return { text: content.toString(), ...outcome };
}

async function runBuiltin(name: string, given?: ReadOptions) {
  const catalog = await readCatalog(project.directory);
  return run(findReport(catalog, name), given);
}

function own(sql: string, header = ''): Report {
  return parseReport(`-- title: t\n${header}\n${sql}`, 'own', 'sql/reports/own.sql');
}

describe('built-in reports', () => {
  const cases: readonly (readonly [name: string, given: ReadOptions, lines: readonly string[]])[] =
    [
      [
        'count_hourly_events_by_first_dimension',
        {},
        [
          'dimension_name,current_hour,num_events',
          'alpha,2024-01-01 00:00:00,2',
          '"beta, ""the"" second",2024-01-01 01:00:00,1',
          '"beta, ""the"" second",2024-01-02 00:00:00,1',
          ',2024-01-02 05:00:00,1',
        ],
      ],
      [
        'count_hourly_events_by_first_dimension',
        { from: '2024-01-01 00:59:59.999999', to: '2024-01-02' },
        [
          'dimension_name,current_hour,num_events',
          'alpha,2024-01-01 00:00:00,1',
          '"beta, ""the"" second",2024-01-01 01:00:00,1',
        ],
      ],
      [
        // 02:00 at +02:00 is midnight in UTC: inclusive from, exclusive to.
        'count_hourly_events_by_first_dimension',
        { from: '2024-01-02T02:00+02:00', to: '2024-01-02T07:00+02:00' },
        ['dimension_name,current_hour,num_events', '"beta, ""the"" second",2024-01-02 00:00:00,1'],
      ],
      [
        'count_hourly_events_by_first_dimension',
        { to: '2000-01-01' },
        ['dimension_name,current_hour,num_events'],
      ],
      [
        'metric_totals_by_first_dimension',
        {},
        [
          'dimension_name,num_events,metric_one,metric_two,metric_n',
          'alpha,2,3,10,300',
          '"beta, ""the"" second",2,3,30,',
          ',1,4,,',
        ],
      ],
      [
        'metric_totals_by_second_dimension',
        {},
        [
          'dimension_name,num_events,metric_one,metric_two,metric_n',
          'north,2,1,10,100',
          'south,2,5,30,200',
          ',1,4,,',
        ],
      ],
      [
        'metric_totals_by_second_dimension',
        { from: '2024-01-02' },
        ['dimension_name,num_events,metric_one,metric_two,metric_n', 'north,1,,,', ',1,4,,'],
      ],
      [
        'daily_metric_summary',
        {},
        [
          'day,metric,count,sum,mean,p50,p95,max',
          '2024-01-01,metric_n,2,300,150,150,195,200',
          '2024-01-01,metric_one,3,6,2,2,2.9,3',
          '2024-01-01,metric_two,2,40,20,20,29,30',
          '2024-01-02,metric_n,0,,,,,',
          '2024-01-02,metric_one,1,4,4,4,4,4',
          '2024-01-02,metric_two,0,,,,,',
        ],
      ],
      [
        'unknown_metrics',
        {},
        [
          'table_name,metric,records,files,first_load,last_load,declared_now',
          'events,metric_x,9,2,1,2,f',
          'events,metric_y,2,1,1,1,f',
          'events,metric_one,1,1,2,2,t',
        ],
      ],
      [
        'load_history',
        {},
        [
          'load_id,path,table_name,state,rows_read,rows_loaded,rows_rejected,rows_duplicate,size_bytes,seconds,rows_per_second,started_at,finished_at',
          '2,data/events-2.csv,events,loading,0,0,0,0,2000,0.000,,2024-02-02 00:00:00+00,',
          '1,data/events-1.csv,events,loaded,5,4,1,0,1000,2.000,3,2024-02-01 00:00:00+00,2024-02-01 00:00:02+00',
        ],
      ],
      [
        'ingestion_quality_by_day',
        {},
        [
          'day,table_name,loads,unfinished,rows_read,rows_loaded,rows_duplicate,rows_rejected,rejected_per_million,size_bytes',
          '2024-02-01,events,1,0,5,4,0,1,200000,1000',
          '2024-02-02,events,1,1,0,0,0,0,,2000',
        ],
      ],
      [
        'rejects_by_code_and_file',
        {},
        [
          'path,load_id,code,column_name,records,percent_of_file,example',
          'data/events-1.csv,1,bad_integer,id,2,40,no integer',
          'data/events-1.csv,1,bad_json,,1,20,no JSON',
        ],
      ],
      [
        'slowest_tasks',
        { param: ['top=1'] },
        [
          'task,slices_done,slices_failed,runs,total_seconds,mean_seconds,longest_seconds,rows_changed,last_finished',
          'gold.fact,2,1,1,3.5,1.167,2,30,2024-02-03 00:00:03+00',
        ],
      ],
      [
        // Whole numbers have buckets of whole numbers: 1 to 4 are four buckets of one.
        'metric_distributions',
        { param: ['buckets=4'], to: '2024-01-03' },
        [
          'metric,from_value,to_value,events,percent',
          'metric_n,100,126,1,50',
          'metric_n,178,204,1,50',
          'metric_one,1,2,1,25',
          'metric_one,2,3,1,25',
          'metric_one,3,4,1,25',
          'metric_one,4,5,1,25',
          'metric_two,10,16,1,50',
          'metric_two,28,34,1,50',
        ],
      ],
    ];
  test.each(cases)('%s %j', async (name, given, lines) => {
    const { text, rows, columns } = await runBuiltin(name, given);
    expect(text).toBe(`${lines.join('\n')}\n`);
    expect(rows).toBe(lines.length - 1);
    expect(columns).toEqual(lines[0]?.split(','));
  });

  test('freshness: what was loaded, and what edp run keeps', async () => {
    const { text } = await runBuiltin('freshness', { format: 'json', param: ['hours=1000000000'] });
    const rows = JSON.parse(text) as Record<string, unknown>[];
    const age = (Date.now() - Date.UTC(2024, 1, 1, 0, 0, 2)) / 3_600_000;
    expect(rows).toEqual([
      {
        relation: 'events',
        kind: 'loaded',
        up_to_date_at: '2024-02-01 00:00:02+00',
        hours_old: expect.closeTo(age, 0),
        is_late: false,
        last_change: 'load 1: data/events-1.csv',
      },
      expect.objectContaining({
        relation: 'gold.fact',
        up_to_date_at: '2024-02-03 00:00:00+00',
        last_change: 'held back by a check',
      }),
      // As fresh as the last run of all tasks, though it had nothing to do then.
      expect.objectContaining({
        relation: 'silver.members',
        kind: 'silver',
        up_to_date_at: '2024-02-04 00:00:00+00',
        last_change: 'run 2',
      }),
    ]);
    const late = await runBuiltin('freshness', { format: 'json' });
    expect((JSON.parse(late.text) as { is_late: boolean }[]).map((row) => row.is_late)).toEqual([
      ...[true, true, true],
    ]);
  });

  test('each declares a chart, which suits its columns', async () => {
    for (const { name, report } of await readCatalog(project.directory)) {
      expect(report instanceof EdpError ? report.message : report.chart?.mark, name).toMatch(
        /^(line|bar|dot|histogram)$/,
      );
    }
  });

  test('each works on a ledger without entries', async () => {
    await project.session.query(
      'BEGIN; TRUNCATE edp.loads, edp.runs, edp.tasks, edp.task_runs CASCADE; COMMIT',
    );
    try {
      for (const name of [
        'ingestion_quality_by_day',
        'freshness',
        'rejects_by_code_and_file',
        'slowest_tasks',
      ]) {
        expect((await runBuiltin(name)).rows, name).toBe(0);
      }
    } finally {
      await project.fill();
    }
  });

  test('every one of them is tested here', async () => {
    const catalog = await readCatalog(project.directory);
    // That of a column which the built-in model has not is tested in tests/load/copy-of.test.ts.
    const ofCopies = 'count_hourly_events_by_first_dimension_name';
    const tested = new Set([...cases.map(([name]) => name), ofCopies, 'freshness']);
    expect(catalog.map((entry) => entry.name)).toEqual([...tested].sort());
  });

  test('totals agree with the table', async () => {
    const { text } = await runBuiltin('metric_totals_by_first_dimension', { format: 'json' });
    const totals = JSON.parse(text) as { num_events: number; metric_one: number }[];
    const { rows } = await project.session.query(
      'SELECT count(*) AS events, sum(metric_one) AS one FROM events',
    );
    expect(totals.reduce((sum, row) => sum + row.num_events, 0)).toBe(rows[0].events);
    expect(totals.reduce((sum, row) => sum + row.metric_one, 0)).toBe(rows[0].one);
  });

  test('a metric that the model declares later is in them', async () => {
    await project.session.query(
      `ALTER TABLE events ADD "odd""name'; --" bigint; UPDATE events SET "odd""name'; --" = id`,
    );
    try {
      const model = parseModel({
        events: {
          columns: { id: 'bigint' },
          metrics: { from: 'm', columns: { metric_one: 'int', 'odd"name\'; --': 'bigint' } },
        },
      });
      const totals = await runBuiltin('metric_totals_by_first_dimension', { model });
      expect(totals.text).toBe(
        `dimension_name,num_events,metric_one,"odd""name'; --"\nalpha,2,3,3\n"beta, ""the"" second",2,3,8\n,1,4,4\n`,
      );
      const daily = await runBuiltin('daily_metric_summary', { model, to: '2024-01-02' });
      expect(daily.text).toContain(`2024-01-01,"odd""name'; --",3,6,2,2,2.9,3\n`);
    } finally {
      await project.session.query(`ALTER TABLE events DROP "odd""name'; --"`);
    }
  });
});

describe('values', () => {
  const echo = own("SELECT :'v' AS v", '-- param v text: any');

  const attempts = [
    "'; DROP TABLE events; --",
    "' OR '1'='1",
    '$1 $$ $tag$',
    ":'v' :metric_sums",
    "\\'; SELECT 1; --",
    'a\nb',
    '',
    '--',
    '/* */',
    'ÿ€😀',
  ];
  test.each(attempts)('%j is only a value', async (value) => {
    const { text } = await run(echo, { param: [`v=${value}`], format: 'json' });
    expect(JSON.parse(text)).toEqual([{ v: value }]);
    const { rows } = await project.session.query('SELECT count(*) AS n FROM events');
    expect(rows[0].n).toBe(5);
  });

  test('a value without one is NULL, a default is taken', async () => {
    const report = own(
      "SELECT :'a' AS a, :'b' + 1 AS b",
      '-- param a text: any\n-- param b int = 41: n\n',
    );
    expect((await run(report)).text).toBe('a,b\n,42\n');
    expect((await run(report, { param: ['b=1'] })).text).toBe('a,b\n,2\n');
  });

  test('each type as the server prints it, in ISO and UTC', async () => {
    const { text } = await run(
      own(`SELECT '2024-01-31 06:00+02'::timestamptz AS a, 9223372036854775807 AS b, 0.1::float8 AS c,
                  1.10 AS d, true AS e, '\\x00ff'::bytea AS f, '1 day'::interval AS g, '{"a": 1}'::jsonb AS h,
                  'infinity'::timestamp AS i, ARRAY['x', NULL] AS j`),
    );
    expect(text.split('\n')[1]).toBe(
      '2024-01-31 04:00:00+00,9223372036854775807,0.1,1.10,t,\\x00ff,1 day,"{""a"": 1}",infinity,"{x,NULL}"',
    );
  });
});

test('COPY reads a CSV back as the very same rows', async () => {
  await project.session.query('CREATE TEMP TABLE copied (v text)');
  const ugly = [
    null,
    '',
    '\\.',
    '\\N',
    '"',
    ',',
    ' ',
    '\n',
    '\r',
    '\r\n',
    'a"b',
    "a,'b'",
    'é€😀',
    '--',
    'v',
  ];
  const report = own(
    "SELECT value AS v FROM jsonb_array_elements_text(:'values'::jsonb)",
    '-- param values text: a JSON array',
  );
  const { text } = await run(report, { param: [`values=${JSON.stringify(ugly)}`] });
  const copy = project.session.query(copyFrom('COPY copied FROM STDIN (FORMAT csv, HEADER)'));
  await pipeline([Buffer.from(text)], copy);
  const { rows } = await project.session.query('SELECT v FROM copied');
  expect(rows.map((row) => row.v)).toEqual(ugly);
});

describe('many rows', () => {
  const series = own("SELECT n FROM generate_series(1, :'rows') AS n", '-- param rows int: n');

  test.each([0, 1, 999, 1000, 1001, 2500])('%i', async (count) => {
    const { text, rows } = await run(series, { param: [`rows=${count}`] });
    expect(rows).toBe(count);
    const expected = Array.from({ length: count }, (_, i) => `${i + 1}\n`);
    expect(text).toBe(`n\n${expected.join('')}`);
  });

  test.each([0, 999, 1000, 1001, 100_000])('%i in a table', async (count) => {
    const { text, rows } = await run(series, { param: [`rows=${count}`], format: 'table' });
    expect(rows).toBe(count);
    expect(/and ([\d,]+) more rows/.exec(text)?.[1]).toBe(
      count > 1000 ? (count - 1000).toLocaleString('en-US') : undefined,
    );
  });
});

describe('faults', () => {
  const cases: readonly (readonly [
    what: string,
    sql: string,
    expected: Record<string, unknown>,
    hint: RegExp,
  ])[] = [
    [
      'a table that is not there',
      'SELECT *\n  FROM nix',
      { code: 'report_failed', place: 'sql/reports/own.sql:4' },
      /edp ingest/,
    ],
    [
      'a column that is not there, after characters of two UTF-16 units',
      "SELECT '😀😀😀\n😀',\n  nix",
      { code: 'report_failed', place: 'sql/reports/own.sql:5' },
      /name/,
    ],
    [
      'bad SQL',
      'SELECT 1\n  FROM\n  WHERE',
      { code: 'report_failed', place: 'sql/reports/own.sql:5' },
      /SELECT/,
    ],
    [
      'no SELECT',
      'UPDATE events SET id = 1',
      { code: 'report_failed', place: 'sql/reports/own.sql:3' },
      /SELECT/,
    ],
    [
      'a function that writes',
      "SELECT set_config('x.y', '1', false), lo_create(0)",
      { code: 'report_failed' },
      /only reads/,
    ],
    ['rows that lock', 'SELECT * FROM events FOR UPDATE', { code: 'report_failed' }, /only reads/],
    [
      'a value that fails half-way',
      'SELECT 1 / (1500 - n) FROM generate_series(1, 2000) n',
      { code: 'report_failed', place: 'sql/reports/own.sql' },
      /own/,
    ],
  ];
  test.each(cases)('%s', async (_, sql, expected, hint) => {
    const fault = await run(own(sql)).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(EdpError);
    expect(fault).toMatchObject(expected);
    expect((fault as EdpError).hint).toMatch(hint);
    const { rows } = await project.session.query('SELECT count(*) AS n, max(id) AS id FROM events');
    expect(rows[0]).toEqual({ n: 5, id: 5 });
  });

  test('a bad value of the user is a usage error, a bad default one of the report', async () => {
    const report = own("SELECT :'day', :'n'", '-- param day date: a day\n-- param n int = many: n');
    await expect(run(report, { param: ['day=soon'] })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/^--param day: "soon" is no date/),
      hint: expect.stringContaining('a day'),
    });
    await expect(run(report)).rejects.toMatchObject({
      code: 'report_failed',
      place: 'sql/reports/own.sql:3',
    });
    await expect(runBuiltin('daily_metric_summary', { from: '2024-02-30' })).rejects.toMatchObject({
      code: 'usage',
    });
  });

  test('a type that is not there', async () => {
    const report = own("SELECT :'a'", '-- param a colour: any');
    await expect(run(report, { param: ['a=red'] })).rejects.toMatchObject({
      code: 'report_failed',
      place: 'sql/reports/own.sql:2',
    });
  });

  test('a connection that breaks', async () => {
    const endless = own('SELECT n FROM generate_series(1, 100000000) AS n');
    let hasEnded = false;
    const onWrite = () => {
      if (hasEnded) return;
      hasEnded = true;
      void project.session.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'edp report'",
      );
    };
    await expect(run(endless, { onWrite })).rejects.toMatchObject({ code: 'database_error' });
  });
});

describe('Ctrl-C', () => {
  test('between two batches', async () => {
    const abort = new AbortController();
    const endless = own('SELECT n FROM generate_series(1, 100000000) AS n');
    await expect(
      run(endless, { signal: abort.signal, onWrite: () => abort.abort() }),
    ).rejects.toMatchObject({ code: 'interrupted' });
  });

  test(
    'while the server works: the statement ends there too',
    async () => {
      const abort = new AbortController();
      const slow = run(own('SELECT pg_sleep(600)'), { signal: abort.signal });
      const isRunning = async () => {
        const { rowCount } = await project.session.query(
          "SELECT FROM pg_stat_activity WHERE application_name = 'edp report' AND wait_event = 'PgSleep'",
        );
        return rowCount === 1;
      };
      await expect.poll(isRunning, { timeout: SLOW }).toBe(true);
      abort.abort();
      await expect(slow).rejects.toMatchObject({ code: 'interrupted' });
      await expect.poll(isRunning, { timeout: SLOW }).toBe(false);
    },
    SLOW,
  );
});

test('the ranges of metric_distributions are found once, not for each value', async () => {
  const report = findReport(await readCatalog(project.directory), 'metric_distributions');
  const values = new Map([
    ['from', '2024-01-01'],
    ['to', '2024-01-02'],
    ['buckets', '20'],
  ]);
  const { text, values: bound } = bindReport(report, values, BUILTIN_MODEL);
  // What the server plans where it expects few rows, and finds many.
  const plan = await project.session.query(`EXPLAIN ${text}`, [...bound]);
  const lines = plan.rows.map((row: Record<string, string>) => row['QUERY PLAN'] ?? '').join('\n');
  expect(lines).toMatch(/CTE Scan on ranges/);
});
