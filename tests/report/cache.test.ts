/** The cache of reports: what is kept, for whom, how much, and that reports work without it. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findReport, readCatalog } from '../../src/report/catalog.js';
import { parseReport, type Report } from '../../src/report/report.js';
import { type ReadOptions, readReport } from './read-report.js';
import { runCli, SLOW, startProject, type TestProject } from './setup.js';

let project: TestProject;

beforeAll(async () => {
  project = await startProject();
  await project.session.query(`CREATE ROLE keeper LOGIN; CREATE ROLE looker LOGIN;
    GRANT USAGE ON SCHEMA edp TO keeper, looker; GRANT SELECT ON events, first_dimensions TO keeper, looker;
    GRANT SELECT, INSERT, UPDATE, DELETE ON edp.report_cache TO keeper;
    GRANT SELECT, INSERT ON edp.report_cache_parts, edp.report_cache_writes TO keeper;
    GRANT SELECT ON edp.report_cache, edp.report_cache_parts TO looker`);
}, SLOW);
afterAll(() => project.stop(), SLOW);
beforeEach(() => project.session.query('DELETE FROM edp.report_cache'));

interface Given extends Pick<ReadOptions, 'format' | 'usesCache' | 'onWrite'> {
  readonly user?: string;
  readonly options?: string;
}

async function show(report: Report, given: Given = {}) {
  const { user = 'edp', options, ...reading } = given;
  const client = { ...project.client, user, ...(options === undefined ? {} : { options }) };
  const { content, rows, cache } = await readReport(client, report, {
    usesCache: true,
    ...reading,
  });
  const text = content.toString();
  return { text, rows, isCached: cache?.keptAt !== undefined, why: cache?.why };
}

function own(sql: string): Report {
  return parseReport(`-- title: t\n${sql}`, 'own', 'sql/reports/own.sql');
}

const IDS = own('SELECT id FROM events ORDER BY id');

async function as(user: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ ...project.client, user });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Built-in reports that are read anew each time, and why. */
const READ_ANEW: ReadonlyMap<string, string> = new Map([
  ['freshness', 'now()'],
  ['ingestion_quality_by_day', 'timezone'],
]);

describe('what is kept', () => {
  it('is any built-in report that asks for data alone', async () => {
    const withoutCopy = 'count_hourly_events_by_first_dimension_name';
    for (const { name } of await readCatalog(project.directory)) {
      if (name === withoutCopy || READ_ANEW.has(name)) continue;
      const report = findReport(await readCatalog(project.directory), name);
      const first = await show(report);
      const again = await show(report);
      expect(first, name).toMatchObject({ isCached: false, why: undefined });
      expect(again, name).toEqual({ ...first, isCached: true });
    }
  });

  it('is no report that asks the clock, or for rules of time zones', async () => {
    for (const [name, why] of READ_ANEW) {
      const report = findReport(await readCatalog(project.directory), name);
      expect((await show(report)).why).toContain(why);
    }
  });

  it('serves all formats', async () => {
    const sql = "SELECT 1 AS n, 'a''b\n\"' AS text, NULL AS nothing, '{\"a\": 1}'::jsonb AS j";
    const report = own(sql);
    const first = await Promise.all(
      (['csv', 'json', 'table'] as const).map(async (format) => {
        return (await show(own(`${sql} -- ${format}`), { format })).text;
      }),
    );
    await show(report);
    for (const [i, format] of (['csv', 'json', 'table'] as const).entries()) {
      const cached = await show(report, { format });
      expect(cached.isCached).toBe(true);
      expect(cached.text).toBe(first[i]);
    }
  });

  it('is whole: what a table leaves out is not kept, and is counted from what is', async () => {
    const report = own('SELECT n FROM generate_series(1, 2500) AS n ORDER BY n');
    const counted = await show(report, { format: 'table' });
    expect(counted).toMatchObject({
      isCached: false,
      rows: 2500,
      why: expect.stringMatching(/end/),
    });
    await show(report);
    expect(await show(report, { format: 'table' })).toEqual({
      ...counted,
      isCached: true,
      why: undefined,
    });
    expect((await show(report)).text.split('\n').length).toBe(2502);
  });

  it('is no large result', async () => {
    const report = own("SELECT repeat('x', 1000) AS x FROM generate_series(1, 17000)");
    expect((await show(report)).why).toContain('too large');
    expect((await show(report)).isCached).toBe(false);
  });

  it('depends on what the session sets', async () => {
    const report = own("SELECT to_char(amount, 'L9.9') AS m FROM (VALUES (1.5)) AS v (amount)");
    await show(report);
    expect((await show(report)).isCached).toBe(true);
    expect((await show(report, { options: '-c work_mem=1234kB' })).isCached).toBe(false);
    expect(
      (await show(report, { options: '-c search_path=information_schema,public' })).isCached,
    ).toBe(false);
  });

  it('is as much as fits, the least recently used goes first', async () => {
    const reports = [1, 2, 3].map((n) => own(`SELECT ${n} AS n, repeat('x', 1000) AS x`));
    for (const report of reports) await show(report);
    await project.session.query(
      "UPDATE edp.report_cache SET used_at = used_at + interval '1 day' WHERE entry_id = (SELECT min(entry_id) FROM edp.report_cache)",
    );
    await project.session.query('SELECT edp.trim_report_cache(2500)');
    const left = await project.session.query<{ n: string }>(
      "SELECT convert_from(p.rows, 'UTF8')::jsonb #>> '{0,0}' AS n FROM edp.report_cache c JOIN edp.report_cache_parts p USING (entry_id) ORDER BY 1",
    );
    expect(left.rows.map(({ n }) => n)).toEqual(['1', '3']);
  });

  it('notes its use at most once a minute, and stays fresh then', async () => {
    await show(IDS);
    await show(own('SELECT 1 AS other'));
    const usedAt = async () =>
      (await project.session.query('SELECT used_at::text FROM edp.report_cache ORDER BY entry_id'))
        .rows;
    const before = await usedAt();
    await show(IDS);
    expect(await usedAt()).toEqual(before);
  });

  it('is the same for runs at the same time', async () => {
    const shown = await Promise.all(Array.from({ length: 8 }, () => show(IDS)));
    expect(new Set(shown.map(({ text }) => text)).size).toBe(1);
    const kept = await project.session.query('SELECT FROM edp.report_cache');
    expect(kept.rows.length).toBeLessThanOrEqual(1);
    expect((await show(IDS)).isCached || (await show(IDS)).isCached).toBe(true);
  });
});

describe('for whom', () => {
  it('each role has its own, and sees no other', async () => {
    await show(IDS);
    expect((await show(IDS, { user: 'keeper' })).isCached).toBe(false);
    expect((await show(IDS, { user: 'keeper' })).isCached).toBe(true);
    // The owner does not believe the other that it kept a result and did nothing else.
    expect((await show(IDS)).isCached).toBe(false);
    expect((await show(IDS, { user: 'keeper' })).isCached).toBe(true);
    const tables = ['edp.report_cache', 'edp.report_cache_parts'];
    for (const table of tables) {
      expect(await as('edp', `SELECT FROM ${table}`)).toHaveLength(2);
      expect(await as('keeper', `SELECT FROM ${table}`)).toHaveLength(1);
      expect(await as('looker', `SELECT FROM ${table}`)).toHaveLength(0);
    }
    expect(await show(IDS, { user: 'looker' })).toMatchObject({
      isCached: false,
      why: expect.stringContaining('may not write'),
    });
  });

  it('a role can keep nothing for another, and take nothing away from it', async () => {
    await show(IDS);
    const row = "decode('00', 'hex'), 'r', 'h', pg_current_snapshot(), '[]', 0, 0";
    await expect(
      as(
        'keeper',
        `INSERT INTO edp.report_cache (role_name, role_oid, key, report, history, snapshot, columns, rows, bytes)
         VALUES ('edp', 'edp'::regrole, ${row})`,
      ),
    ).rejects.toThrow('row-level security');
    const id = (await as('edp', 'SELECT entry_id::int AS id FROM edp.report_cache'))[0]!.id;
    await expect(
      as('keeper', `INSERT INTO edp.report_cache_parts VALUES (${id}, 7, '[]')`),
    ).rejects.toThrow('row-level security');
    await as('keeper', 'DELETE FROM edp.report_cache');
    await as('keeper', 'UPDATE edp.report_cache SET rows = 0');
    expect((await show(IDS)).isCached).toBe(true);
  });
});

it('a report that is not kept makes no result stale, whoever asks for it', async () => {
  await show(IDS);
  expect((await show(own('SELECT now() AS at'), { user: 'keeper' })).why).toContain('now()');
  expect((await show(IDS)).isCached).toBe(true);
});

it('the server does not analyse what keeping changes', async () => {
  // Numbers of the statistics arrive when a session ends.
  const changed = async () =>
    (
      await project.session.query(
        "SELECT relid::regclass::text AS name FROM pg_stat_all_tables WHERE schemaname = 'pg_catalog' AND n_mod_since_analyze > 0 AND relname IN ('pg_proc', 'pg_depend')",
      )
    ).rows;
  await project.session.query('ANALYZE pg_proc; ANALYZE pg_depend');
  await sleep(1100);
  const before = await changed();
  for (let n = 0; n < 5; n++) await show(own(`SELECT ${n} AS n, id FROM events`));
  await sleep(1100);
  expect(await changed()).toEqual(before);
  const options = await project.session.query(
    "SELECT reloptions FROM pg_class WHERE relname LIKE 'report\\_cache%' AND relkind = 'r'",
  );
  expect(options.rows.map((row) => row.reloptions)).toEqual(
    Array.from({ length: 3 }, () => ['autovacuum_analyze_threshold=2147483647']),
  );
});

describe('a role cannot hide from others', () => {
  beforeAll(() =>
    project.session.query(`CREATE ROLE forger LOGIN; CREATE ROLE readers; CREATE ROLE alice LOGIN; CREATE ROLE mallory LOGIN;
      CREATE ROLE owners_child LOGIN; GRANT readers TO alice, mallory; GRANT CREATE ON SCHEMA public TO forger;
      ALTER ROLE alice SET role = readers; ALTER ROLE mallory SET role = readers;
      GRANT USAGE ON SCHEMA edp TO forger, readers; GRANT SELECT ON events TO readers;
      GRANT SELECT, INSERT, UPDATE, DELETE ON edp.report_cache TO forger, readers;
      GRANT SELECT, INSERT ON edp.report_cache_parts, edp.report_cache_writes TO forger, readers;`),
  );
  beforeEach(async () => {
    await as(
      'forger',
      'DROP TABLE IF EXISTS public.forged; CREATE TABLE public.forged (n int); GRANT SELECT ON public.forged TO PUBLIC; INSERT INTO public.forged VALUES (1)',
    );
  });

  const FORGED = own('SELECT n FROM forged ORDER BY n');

  it.each([
    [
      'what it changes together with a note of the cache',
      [
        'BEGIN; INSERT INTO forged VALUES (2); INSERT INTO edp.report_cache_writes DEFAULT VALUES; COMMIT',
      ],
    ],
    [
      'what it will change',
      [
        `INSERT INTO edp.report_cache_writes SELECT n::text::xid8 FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) s,
           generate_series(next, next + 500) AS n`,
        'INSERT INTO forged VALUES (2)',
      ],
    ],
    [
      'what it changes in the name of another',
      [
        `BEGIN; INSERT INTO forged VALUES (2); INSERT INTO edp.report_cache_writes (xid, role_oid, login_oid)
           VALUES (pg_current_xact_id(), 'keeper'::regrole, 'keeper'::regrole); COMMIT`,
        'INSERT INTO forged VALUES (2)',
      ],
    ],
  ])('%s', async (_, steps) => {
    for (const user of ['keeper', 'edp', 'alice']) {
      await show(FORGED, { user });
      expect(await show(FORGED, { user })).toMatchObject({ isCached: true, text: 'n\n1\n' });
    }
    for (const step of steps) await as('forger', step).catch(() => {});
    for (const user of ['keeper', 'edp', 'alice'])
      expect(await show(FORGED, { user })).toMatchObject({ isCached: false, text: 'n\n1\n2\n' });
  });

  it('and put nothing before who acts as the same role', async () => {
    await show(IDS, { user: 'alice' });
    expect((await show(IDS, { user: 'alice' })).isCached).toBe(true);
    expect(await as('mallory', 'SELECT FROM edp.report_cache')).toHaveLength(0);
    await as(
      'mallory',
      `WITH forged AS (
         UPDATE edp.report_cache SET rows = 1 RETURNING entry_id)
       INSERT INTO edp.report_cache_parts SELECT entry_id, 1, '[["7"]]' FROM forged`,
    );
    expect(await show(IDS, { user: 'alice' })).toMatchObject({ isCached: true, rows: 5 });
    const row = "decode('00', 'hex'), 'r', 'h', pg_current_snapshot(), '[]', 0, 0";
    await expect(
      as(
        'mallory',
        `INSERT INTO edp.report_cache (login_oid, key, report, history, snapshot, columns, rows, bytes)
         VALUES ('alice'::regrole, ${row})`,
      ),
    ).rejects.toThrow('row-level security');
    expect((await show(IDS, { user: 'mallory' })).isCached).toBe(false);
  });

  it('and a new role of an old name inherits nothing', async () => {
    const make = `CREATE ROLE renewed LOGIN; GRANT USAGE ON SCHEMA edp TO renewed; GRANT SELECT ON events TO renewed;
      GRANT SELECT, INSERT, UPDATE, DELETE ON edp.report_cache TO renewed;
      GRANT SELECT, INSERT ON edp.report_cache_parts, edp.report_cache_writes TO renewed`;
    await project.session.query(make);
    await show(IDS, { user: 'renewed' });
    expect((await show(IDS, { user: 'renewed' })).isCached).toBe(true);
    await project.session.query(`DROP OWNED BY renewed; DROP ROLE renewed; ${make}`);
    expect(await as('renewed', 'SELECT FROM edp.report_cache')).toHaveLength(0);
    await project.session.query('REVOKE SELECT ON events FROM renewed');
    await expect(show(IDS, { user: 'renewed' })).rejects.toThrow('permission denied');
  });
});

it('notes of the cache that nobody asks for any more go', async () => {
  await show(IDS);
  await project.session.query(
    "UPDATE edp.report_cache SET snapshot = '1:1:'; INSERT INTO edp.report_cache_writes (xid) VALUES ('1')",
  );
  // Numbers of transactions, so that the result is too old.
  await project.session.query(
    'DO $$ BEGIN FOR i IN 1..10100 LOOP BEGIN PERFORM pg_current_xact_id(); INSERT INTO first_dimensions VALUES (-i, $n$x$n$); RAISE $m$no$m$; EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP; END $$',
  );
  await project.session.query('SELECT edp.trim_report_cache(1000000)');
  const left = await project.session.query(
    "SELECT FROM edp.report_cache UNION ALL SELECT FROM edp.report_cache_writes WHERE xid = '1'",
  );
  expect(left.rows).toHaveLength(0);
});

describe('reports without it', () => {
  it.each([
    ['a read-only session', '', '', '-c default_transaction_read_only=on', 'read-only'],
    [
      'event triggers',
      `CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
       CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION noted()`,
      'DROP EVENT TRIGGER noted; DROP FUNCTION noted',
      undefined,
      'event triggers',
    ],
    [
      'a trigger on the cache',
      `CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
       CREATE TRIGGER noted AFTER INSERT ON edp.report_cache EXECUTE FUNCTION noted()`,
      'DROP FUNCTION noted CASCADE',
      undefined,
      'have triggers',
    ],
    [
      'a rule on the cache',
      `CREATE TABLE noted (n int);
       CREATE RULE noted AS ON INSERT TO edp.report_cache DO ALSO INSERT INTO noted VALUES (1)`,
      'DROP RULE noted ON edp.report_cache; DROP TABLE noted',
      undefined,
      'have triggers',
    ],
    [
      'a table that refers to the cache',
      'CREATE TABLE noted (n bigint REFERENCES edp.report_cache ON DELETE CASCADE)',
      'DROP TABLE noted',
      undefined,
      'have triggers',
    ],
    [
      'no right to temporary functions',
      'REVOKE TEMPORARY ON DATABASE edp FROM PUBLIC',
      'GRANT TEMPORARY ON DATABASE edp TO PUBLIC',
      undefined,
      'may not write',
    ],
    [
      'an older ledger',
      'ALTER SCHEMA edp RENAME TO gone',
      'ALTER SCHEMA gone RENAME TO edp',
      undefined,
      'an older edp',
    ],
    [
      'a table of the cache that is broken',
      'ALTER TABLE edp.report_cache RENAME COLUMN key TO chave',
      'ALTER TABLE edp.report_cache RENAME COLUMN chave TO key',
      undefined,
      'cannot be looked into',
    ],
    [
      'a table of its rows that is broken',
      'ALTER TABLE edp.report_cache_parts RENAME COLUMN rows TO linhas',
      'ALTER TABLE edp.report_cache_parts RENAME COLUMN linhas TO rows',
      undefined,
      undefined,
    ],
  ])('%s', async (name, before, after, options, why) => {
    const user = name.startsWith('no right') ? 'keeper' : 'edp';
    await project.session.query(before);
    try {
      for (let times = 0; times < 2; times++) {
        const shown = await show(IDS, { user, ...(options === undefined ? {} : { options }) });
        if (why !== undefined) expect(shown.why).toContain(why);
        expect(shown.text).toBe('id\n1\n2\n3\n4\n5\n');
      }
    } finally {
      await project.session.query(after);
    }
  });
});

it.each([[true], [false]])(
  'a report that waits for a table sees what it is then filled with (%s)',
  async (usesCache) => {
    const holder = new pg.Client({ ...project.client, user: 'edp' });
    await holder.connect();
    await holder.query('CREATE TABLE IF NOT EXISTS waited (id int)');
    await holder.query('BEGIN; TRUNCATE waited; INSERT INTO waited VALUES (1), (2)');
    const shown = show(own('SELECT id FROM waited ORDER BY 1'), { usesCache });
    await sleep(500);
    await holder.query('COMMIT');
    await holder.end();
    expect((await shown).text).toBe('id\n1\n2\n');
  },
);

it('a result that is removed while it is shown is shown to its end', async () => {
  const report = own('SELECT n FROM generate_series(1, 3000) AS n ORDER BY n');
  const { text } = await show(report);
  const again = await show(report, {
    onWrite: () => as('edp', 'DELETE FROM edp.report_cache'),
  });
  expect(again).toMatchObject({ text, isCached: true });
});

it('reports wait for nobody who holds the tables of the cache', async () => {
  await show(IDS);
  const holder = new pg.Client({ ...project.client, user: 'edp' });
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE edp.report_cache_parts IN ACCESS EXCLUSIVE MODE');
  try {
    const shown = await show(IDS);
    expect(shown).toMatchObject({ isCached: false, why: expect.stringContaining('lock timeout') });
    expect(shown.text).toBe('id\n1\n2\n3\n4\n5\n');
  } finally {
    await holder.end();
  }
});

it(
  'says on standard error what it does',
  async () => {
    const name = 'metric_totals_by_first_dimension';
    const run = (...args: string[]) =>
      runCli(project.directory, ['generate-report', name, '--out', '-', ...args]);
    const first = await run('--verbose');
    const again = await run();
    expect(first.stderr).not.toContain('cache');
    expect(again.stderr).toMatch(/^from the cache of 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC$/m);
    expect(again.stdout).toBe(first.stdout);
    expect((await run('--no-cache')).stderr).not.toContain('cache');
    await project.writeReport('clock', '-- title: t\nSELECT now() AS at');
    const clock = await runCli(project.directory, ['generate-report', 'clock', '--verbose']);
    expect(clock.stderr).toContain('not from the cache: function now() is stable');
  },
  SLOW,
);
