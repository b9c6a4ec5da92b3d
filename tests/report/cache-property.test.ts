/**
 * Whatever happens in the database, and whoever does it: with the cache, a report shows what it shows without.
 *
 * EDP_CACHE_SEQUENCES runs more sequences, EDP_CACHE_SEED others.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReport, type Report } from '../../src/report/report.js';
import { readReport } from './read-report.js';
import { runCli, SLOW, startProject, type TestProject } from './setup.js';

const SEQUENCES = Number(process.env.EDP_CACHE_SEQUENCES ?? 3);
const FIRST_SEED = Number(process.env.EDP_CACHE_SEED ?? 1);
const STEPS = 20;

/** The member acts as the writer. */
const ROLES = ['edp', 'cache_writer', 'cache_reader', 'cache_member', 'cache_none'] as const;
/** May write data and the cache, and looks at no report. */
const FORGER = 'cache_forger';
type Role = (typeof ROLES)[number] | typeof FORGER;

/** Each shows something that a step may change; all of them in an order of their own. */
const KEPT = [
  'SELECT id, name, seen, amount FROM facts ORDER BY id',
  'SELECT f.name, count(*), sum(amount) FROM facts f GROUP BY 1 ORDER BY 1',
  "SELECT id, seen::date AS day, date_trunc('hour', seen) AS hour FROM facts ORDER BY id",
  'SELECT * FROM named ORDER BY 1',
  'SELECT * FROM w.over_view ORDER BY 1',
  'SELECT w.twice(id) AS twice FROM facts ORDER BY 1',
  'SELECT * FROM w.parts ORDER BY 1, 2',
  'SELECT * FROM w.kept ORDER BY 1',
  'SELECT to_jsonb(f) AS f FROM facts f ORDER BY id',
  'SELECT load_id, path, state, rows_loaded FROM edp.loads ORDER BY load_id DESC',
  'SELECT id, name FROM people ORDER BY id',
  'SELECT * FROM silver.members ORDER BY 1',
  'SELECT relation, kind FROM edp.changes ORDER BY change_id',
  'SELECT * FROM w.barred ORDER BY 1',
  'SELECT * FROM w.invoked ORDER BY 1',
  'SELECT name COLLATE w.own AS name FROM facts ORDER BY name COLLATE w.own, id',
  'SELECT name, id FROM facts ORDER BY name, id',
  'SELECT w.total(id) AS total FROM facts',
  'SELECT shadowed(id) AS shadowed FROM facts ORDER BY 1',
  'SELECT id, amount FROM facts ORDER BY id',
  'SELECT computed FROM w.computing ORDER BY 1',
  'SELECT w.defaulted() AS defaulted',
  "SELECT id FROM facts WHERE seen >= :'since' AND amount > :'least' ORDER BY id",
].map((sql, i) => own(`kept_${i}`, sql));

/** Whose results depend on more than the data: none of them is ever kept. */
const REFUSED = [
  'SELECT now() AS at',
  'SELECT current_date AS day, id FROM facts ORDER BY id',
  'SELECT random() AS number',
  "SELECT id FROM facts WHERE seen < 'now' ORDER BY id",
  "SELECT id FROM facts WHERE seen < 'to'\n'day' ORDER BY id",
  "SELECT id FROM facts WHERE seen < E'n\\x6fw' ORDER BY id",
  "SELECT id FROM facts WHERE seen < U&'\\006eow' ORDER BY id",
  'SELECT id FROM facts WHERE seen < $$tomorrow$$ ORDER BY id',
  'SELECT name::date FROM facts WHERE false',
  'SELECT id, xmax FROM facts ORDER BY id',
  "SELECT id, seen AT TIME ZONE 'Europe/Berlin' AS local FROM facts ORDER BY id",
  'SELECT last_value FROM w.numbers',
  'SELECT reltuples FROM pg_class WHERE relname = $$facts$$',
  'SELECT id FROM w.scratch ORDER BY id',
  'SELECT w.counted() AS n',
  'SELECT id FROM w.guarded ORDER BY id',
  'SELECT * FROM facts TABLESAMPLE SYSTEM (50) ORDER BY id',
  'SELECT age(seen::timestamptz) FROM facts ORDER BY id',
  'SELECT * FROM w.clock ORDER BY 1',
  "SELECT id FROM facts WHERE seen < U&'n!006fw' UESCAPE '!' ORDER BY id",
  "SELECT id FROM facts WHERE seen::timestamptz < '2024-01-02 Europe/Berlin' ORDER BY id",
  "SELECT timestamptz '2024-01-02 CE' 'T' AS at".replace("CE' '", "CE'\n'"),
  'SELECT w.since() AS at',
  'SELECT local FROM w.local',
  'SELECT convert_from(lo_get(4711), $$UTF8$$) AS object',
].map((sql, i) => own(`refused_${i}`, sql));

function own(name: string, sql: string): Report {
  const header = [
    sql.includes(":'since'") ? '-- param since timestamp = -infinity: from' : '',
    sql.includes(":'least'") ? '-- param least numeric = 0: least' : '',
  ]
    .filter(Boolean)
    .join('\n');
  return parseReport(`-- title: t\n${header}\n${sql}`, name, `sql/reports/${name}.sql`);
}

const START = `
  DROP SCHEMA IF EXISTS w, front, silver CASCADE; DROP TABLE IF EXISTS public.facts, public.people CASCADE;
  DROP VIEW IF EXISTS public.named; DROP FUNCTION IF EXISTS public.shadowed; GRANT cache_writer TO cache_member;
  CREATE SCHEMA w; CREATE SCHEMA front;
  CREATE TABLE public.facts (id int PRIMARY KEY, name text, seen timestamp, amount numeric);
  INSERT INTO facts SELECT i, 'n' || i % 3, timestamp '2024-01-01' + i * interval '7 hours', i * 1.5 FROM generate_series(1, 20) i;
  CREATE VIEW public.named AS SELECT id, name FROM facts;
  CREATE VIEW w.over_view AS SELECT name, count(*) AS n FROM named GROUP BY 1;
  CREATE VIEW w.clock AS SELECT id FROM facts WHERE seen < now();
  CREATE FUNCTION w.twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i * 2';
  CREATE FUNCTION w.counted() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM public.facts';
  CREATE TABLE w.parts (day int, n int) PARTITION BY LIST (day);
  CREATE TABLE w.part_1 PARTITION OF w.parts FOR VALUES IN (1);
  CREATE TABLE w.part_2 (day int, n int);
  INSERT INTO w.part_1 VALUES (1, 10); INSERT INTO w.part_2 VALUES (2, 20);
  CREATE MATERIALIZED VIEW w.kept AS SELECT id, amount FROM facts;
  CREATE VIEW w.barred WITH (security_barrier) AS SELECT id, name FROM facts WHERE amount > 3;
  CREATE VIEW w.invoked WITH (security_invoker) AS SELECT id, amount FROM facts;
  CREATE COLLATION w.own (provider = icu, locale = 'en');
  CREATE AGGREGATE w.total(int) (sfunc = int4pl, stype = int);
  CREATE FUNCTION public.shadowed(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i';
  CREATE FUNCTION w.defaulted(i int DEFAULT 3) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i';
  CREATE FUNCTION w.since(at timestamptz DEFAULT now()) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS 'SELECT at';
  CREATE TABLE w.computing (id int, at timestamptz, computed int GENERATED ALWAYS AS (id * 2) VIRTUAL);
  INSERT INTO w.computing VALUES (1, '2024-01-01'), (2, '2024-07-01');
  SELECT lo_unlink(oid) FROM pg_largeobject_metadata; SELECT lo_from_bytea(4711, 'x');
  GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC;
  CREATE TABLE w.local (at timestamptz, local timestamp GENERATED ALWAYS AS (at AT TIME ZONE 'Europe/Berlin') VIRTUAL);
  INSERT INTO w.local VALUES ('2024-01-01');
  CREATE SEQUENCE w.numbers; CREATE UNLOGGED TABLE w.scratch (id int);
  CREATE TABLE w.guarded (id int); ALTER TABLE w.guarded ENABLE ROW LEVEL SECURITY;
  GRANT USAGE ON SCHEMA w, front, public TO cache_writer, cache_reader, cache_none, cache_forger;
  GRANT SELECT ON ALL TABLES IN SCHEMA w, public TO cache_writer, cache_reader, cache_none, cache_forger;
  GRANT SELECT ON ALL SEQUENCES IN SCHEMA w TO cache_writer, cache_reader, cache_none, cache_forger;
  GRANT INSERT, UPDATE, DELETE, TRUNCATE ON facts TO cache_writer, cache_forger;`;

const RIGHTS = `
  GRANT USAGE ON SCHEMA edp TO cache_writer, cache_reader, cache_none, cache_forger;
  GRANT SELECT ON edp.loads, edp.changes TO cache_writer, cache_reader, cache_none, cache_forger;
  GRANT SELECT, INSERT, UPDATE, DELETE ON edp.report_cache TO cache_writer, cache_reader, cache_forger;
  GRANT SELECT, INSERT ON edp.report_cache_parts, edp.report_cache_writes TO cache_writer, cache_reader, cache_forger;`;

const EDP_YAML = `tables:
  people: { key: [id], columns: { id: int, name: text, born: date } }
silver:
  members: { from: people, key: id, columns: { id: id, name: name } }
`;

let project: TestProject;
/** Another session, with a transaction that stays open for some steps. */
let open: pg.Client;
let isOpen = false;

beforeAll(async () => {
  project = await startProject();
  await writeFile(path.join(project.directory, 'edp.yaml'), EDP_YAML);
  for (const role of [...ROLES.slice(1), FORGER])
    await project.session.query(`CREATE ROLE ${role} LOGIN`);
  await project.session.query(
    'GRANT cache_writer TO cache_member; ALTER ROLE cache_member SET role = cache_writer',
  );
  await project.session.query(RIGHTS);
  open = await connectAs('edp');
}, SLOW);
afterAll(async () => {
  await open.end();
  await project.stop();
}, SLOW);

async function connectAs(role: Role): Promise<pg.Client> {
  const client = new pg.Client({ ...project.client, user: role });
  await client.connect();
  return client;
}

async function execute(role: Role, sql: string): Promise<void> {
  const client = await connectAs(role);
  try {
    await client.query("SET lock_timeout = '1s'");
    await client.query(sql);
  } catch (error) {
    // What is refused, or waits for the open transaction, is a step, too: its transaction is rolled back.
    if (!(error instanceof pg.DatabaseError)) throw error;
  } finally {
    await client.end();
  }
}

type Random = (below: number) => number;

function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** SQL of a step, by who may do it; `$` stands for a small number. */
const CHANGES: readonly (readonly [Role, string])[] = [
  ['edp', 'INSERT INTO facts VALUES (100 + $, $$by hand$$, now(), $)'],
  ['edp', 'UPDATE facts SET amount = amount + 1 WHERE id = $'],
  ['edp', 'DELETE FROM facts WHERE id = $'],
  ['cache_writer', 'INSERT INTO facts VALUES (200 + $, $$other$$, now(), $)'],
  ['cache_writer', 'UPDATE facts SET name = $$x$$ || name WHERE id = $'],
  ['cache_writer', 'TRUNCATE facts'],
  ['edp', 'BEGIN; UPDATE facts SET amount = -1; ROLLBACK'],
  ['edp', 'BEGIN; SAVEPOINT s; INSERT INTO facts VALUES (300 + $); RELEASE s; COMMIT'],
  ['edp', 'SET synchronous_commit = off; INSERT INTO facts VALUES (400 + $)'],
  ['edp', 'SET session_replication_role = replica; DELETE FROM facts WHERE id = 1 + $'],
  ['edp', 'SET track_counts = off; UPDATE facts SET amount = 0 WHERE id = 2 + $'],
  ['edp', 'CREATE OR REPLACE VIEW named AS SELECT id, name || $$ $ $$ AS name FROM facts'],
  [
    'edp',
    'CREATE OR REPLACE FUNCTION w.twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS $f$SELECT i * (2 + $)$f$',
  ],
  ['edp', 'ALTER TABLE facts ADD COLUMN extra_$ int DEFAULT 7'],
  ['edp', 'ALTER TABLE facts ALTER COLUMN amount TYPE numeric(12, 1) USING amount + $'],
  ['edp', 'ALTER TABLE facts RENAME COLUMN name TO name_$'],
  ['edp', 'ALTER TABLE facts ENABLE ROW LEVEL SECURITY'],
  ['edp', 'CREATE POLICY some ON facts USING (id % 2 = 0)'],
  ['edp', 'ALTER TABLE facts DISABLE ROW LEVEL SECURITY'],
  ['edp', 'REVOKE SELECT ON facts FROM cache_reader'],
  ['edp', 'GRANT SELECT ON facts TO cache_reader'],
  ['edp', 'REVOKE USAGE ON SCHEMA w FROM cache_reader'],
  ['edp', 'GRANT USAGE ON SCHEMA w TO cache_reader'],
  [
    'edp',
    'CREATE TABLE front.facts AS SELECT 1000 + $ AS id, $$front$$ AS name, now()::timestamp AS seen, 1.0 AS amount; GRANT SELECT ON front.facts TO PUBLIC',
  ],
  ['edp', 'DROP TABLE front.facts'],
  ['edp', 'ALTER ROLE cache_reader SET search_path = front, public'],
  ['edp', 'ALTER ROLE cache_reader RESET search_path'],
  [
    'edp',
    'ALTER ROLE cache_reader SET timezone = $$Asia/Tokyo$$; ALTER ROLE edp SET datestyle = german',
  ],
  ['edp', 'ALTER ROLE cache_reader SET lc_monetary = C; ALTER ROLE edp RESET ALL'],
  ['edp', 'ALTER TABLE w.parts ATTACH PARTITION w.part_2 FOR VALUES IN (2)'],
  ['edp', 'ALTER TABLE w.parts DETACH PARTITION w.part_2'],
  ['edp', 'INSERT INTO w.part_2 VALUES (2, $)'],
  [
    'edp',
    'CREATE TABLE w.child_$ () INHERITS (facts); INSERT INTO w.child_$ (id) VALUES (500 + $)',
  ],
  ['edp', 'REFRESH MATERIALIZED VIEW w.kept'],
  ['edp', "SELECT nextval('w.numbers')"],
  ['edp', 'VACUUM facts'],
  ['edp', 'VACUUM FULL facts'],
  ['edp', 'ANALYZE facts'],
  ['edp', 'INSERT INTO w.scratch VALUES ($)'],
  ['edp', 'CREATE TEMP TABLE facts (id int)'],
  [
    'edp',
    "BEGIN; INSERT INTO facts VALUES (600 + $); INSERT INTO edp.changes (relation, kind) VALUES ('public.facts', 'inserted'); COMMIT",
  ],
  ['edp', "DELETE FROM edp.changes WHERE relation = 'public.facts'"],
  [
    'edp',
    "UPDATE edp.loads SET path = path || '$' WHERE load_id = (SELECT max(load_id) FROM edp.loads)",
  ],
  ['edp', 'DELETE FROM edp.report_cache WHERE entry_id % 3 = $ % 3'],
  ['edp', 'SELECT edp.trim_report_cache(500 * $)'],
  ['edp', 'SELECT count(*) FROM facts; CHECKPOINT'],
  [
    FORGER,
    'BEGIN; UPDATE facts SET amount = amount + 1000; INSERT INTO edp.report_cache_writes DEFAULT VALUES; COMMIT',
  ],
  [
    FORGER,
    'INSERT INTO edp.report_cache_writes SELECT n::text::xid8 FROM generate_series(pg_snapshot_xmax(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 200) n',
  ],
  [FORGER, 'BEGIN; DELETE FROM facts WHERE id > $; DELETE FROM edp.report_cache; COMMIT'],
  [
    'edp',
    'BEGIN; SAVEPOINT s; DELETE FROM facts; ROLLBACK TO s; UPDATE facts SET name = $$s$$ WHERE id = 3 + $; COMMIT',
  ],
  [
    'edp',
    "DO $d$ BEGIN BEGIN UPDATE facts SET amount = 5; RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END; END $d$",
  ],
  ['edp', 'CREATE OR REPLACE AGGREGATE w.total(int) (sfunc = int4mul, stype = int, initcond = 1)'],
  ['edp', 'CREATE OR REPLACE AGGREGATE w.total(int) (sfunc = int4pl, stype = int)'],
  [
    'edp',
    'CREATE OR REPLACE FUNCTION front.shadowed(i int) RETURNS int LANGUAGE sql IMMUTABLE AS $f$SELECT i + 1$f$',
  ],
  [
    'edp',
    'CREATE OR REPLACE FUNCTION w.defaulted(i int DEFAULT $) RETURNS int LANGUAGE sql IMMUTABLE AS $f$SELECT i$f$',
  ],
  ['edp', 'UPDATE w.computing SET id = id + $'],
  ['edp', 'ALTER TABLE facts ALTER COLUMN name TYPE text COLLATE "en-x-icu"'],
  [
    'edp',
    'ALTER TABLE facts ALTER COLUMN name TYPE text COLLATE "C"; UPDATE facts SET name = $$N$$ || id WHERE id % 2 = 0',
  ],
  [
    'edp',
    'DROP COLLATION w.own; CREATE COLLATION w.own (provider = icu, locale = $$en-u-kf-upper-kr-digit$$)',
  ],
  [
    'edp',
    'REVOKE SELECT ON facts FROM cache_reader; GRANT SELECT (id, amount) ON facts TO cache_reader',
  ],
  ['edp', 'REVOKE SELECT (amount) ON facts FROM cache_reader'],
  ['edp', 'REVOKE cache_writer FROM cache_member'],
  ['edp', 'GRANT cache_writer TO cache_member'],
  ['edp', 'ALTER ROLE cache_member RESET role'],
  ['edp', 'ALTER ROLE cache_member SET role = cache_writer'],
  ['edp', 'ALTER DATABASE edp SET enable_seqscan = off'],
  ['edp', 'ALTER DATABASE edp RESET ALL'],
  ['edp', 'ALTER VIEW w.invoked SET (security_invoker = off)'],
  ['edp', 'ALTER VIEW w.barred OWNER TO cache_reader'],
  ['edp', 'VACUUM FREEZE facts'],
  ['edp', 'REINDEX TABLE facts'],
  [
    'edp',
    'BEGIN; ALTER TABLE facts RENAME TO facts_$; CREATE TABLE facts (LIKE facts_$); INSERT INTO facts SELECT * FROM facts_$ WHERE id < 9; GRANT SELECT ON facts TO cache_reader, cache_writer; COMMIT',
  ],
  ['edp', 'BEGIN; TRUNCATE facts; INSERT INTO facts VALUES (700 + $, $$again$$, now(), 1); COMMIT'],
  ['edp', "SELECT lo_put(4711, 0, 'y')"],
  ['edp', 'CREATE RULE r_$ AS ON UPDATE TO w.parts DO INSTEAD NOTHING'],
];

async function step(random: Random, number: number): Promise<string> {
  const kind = random(20);
  if (kind < 4) return 'nothing';
  if (kind === 4) {
    if (isOpen) await open.query(random(3) === 0 ? 'ROLLBACK' : 'COMMIT');
    else
      await open.query(
        `BEGIN; SAVEPOINT s; UPDATE facts SET amount = amount + 1 WHERE id = ${1 + random(9)}`,
      );
    isOpen = !isOpen;
    return isOpen ? 'an open transaction' : 'the end of the open transaction';
  }
  if (kind === 5 && number % 3 === 0) return command(random);
  const [role, sql] = CHANGES[random(CHANGES.length)]!;
  // A dollar quote stands between two of them.
  const text = sql.replace(/(?<![$fd])\$(?![$fd])/g, () => String(random(10)));
  await execute(role, text);
  return `${role}: ${text}`;
}

let files = 0;

async function command(random: Random): Promise<string> {
  const last = await project.session.query<{ id: number }>(
    "SELECT max(load_id)::int AS id FROM edp.loads WHERE table_name = 'people'",
  );
  const load = String(last.rows[0]!.id ?? 1);
  const args = [['load'], ['undo', load, '--yes'], ['replay', load], ['run']][random(4)]!;
  if (args[0] === 'load') {
    const name = `people-${++files}.csv`;
    const lines = Array.from({ length: 5 }, (_, i) => `${files * 10 + i},n${random(9)},2000-01-01`);
    await writeFile(
      path.join(project.directory, name),
      `id,name,born\n${lines.join('\n')}\nx,bad,2000-01-01\n`,
    );
    await runCli(project.directory, ['ingest', name]);
    await execute('edp', 'GRANT SELECT ON people TO cache_reader');
    return `ingest ${name}`;
  }
  await runCli(project.directory, args);
  return args.join(' ');
}

/** A step; in one of four while reports run, whose results are then of before or after. */
async function during(
  random: Random,
  reports: readonly Report[],
  roles: readonly Role[],
  work: () => Promise<string>,
): Promise<string> {
  if (random(4) > 0) return work();
  const looks = Array.from({ length: 3 }, () => [
    reports[random(reports.length)]!,
    roles[random(roles.length)]!,
    SINCE[random(SINCE.length)]!,
  ]) as [Report, Role, string][];
  const [done] = await Promise.all([
    work(),
    ...looks.map(([report, role, since]) => show(report, role, since, true)),
  ]);
  return `${done} (while reports run)`;
}

interface Outcome {
  readonly text: string;
  readonly isCached: boolean;
  readonly why: string | undefined;
}

async function show(
  report: Report,
  role: Role,
  since: string,
  usesCache: boolean,
): Promise<Outcome> {
  const param = report.parameters.some(({ name }) => name === 'since') ? [`since=${since}`] : [];
  const client = { ...project.client, user: role };
  try {
    const { content, cache } = await readReport(client, report, { param, usesCache });
    const text = content.toString();
    return { text, isCached: cache?.keptAt !== undefined, why: cache?.why };
  } catch (error) {
    return { text: `error: ${(error as Error).message}`, isCached: false, why: undefined };
  }
}

const SINCE = ['-infinity', '2024-01-03', '2024-01-04'];

describe('the cache', () => {
  const counted = { shown: 0, cached: 0 };

  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEQUENCES; seed++) {
    it(
      `shows what the query would, sequence ${seed}`,
      async () => {
        const random = randomOf(seed);
        await project.session.query(START);
        // Few of them, so that each is looked at often.
        const reports = Array.from({ length: 4 }, () => KEPT[random(KEPT.length)]!);
        const roles = Array.from({ length: 2 }, () => ROLES[random(ROLES.length)]!);
        const steps: string[] = [];
        try {
          for (let number = 0; number < STEPS; number++) {
            steps.push(await during(random, reports, roles, () => step(random, number)));
            for (let looks = 0; looks < 5; looks++) {
              const report = reports[random(reports.length)]!;
              const role = roles[random(roles.length)]!;
              const since = SINCE[random(SINCE.length)]!;
              const cached = await show(report, role, since, true);
              const read = await show(report, role, since, false);
              const place = `${report.sql}\nas ${role}, ${cached.isCached}\n${steps.join('\n')}`;
              expect(cached.text, place).toBe(read.text);
              if (role === 'cache_none') expect(cached.isCached, place).toBe(false);
              if (cached.text.startsWith('error:')) continue;
              counted.shown++;
              if (cached.isCached) counted.cached++;
            }
          }
        } finally {
          if (isOpen) await open.query('ROLLBACK');
          isOpen = false;
          await execute('edp', 'ALTER ROLE cache_reader RESET ALL; ALTER ROLE edp RESET ALL');
        }
      },
      SLOW,
    );
  }

  it('was used', () => {
    console.info(`${counted.cached} of ${counted.shown} reports came from the cache`);
    expect(counted.cached / counted.shown).toBeGreaterThan(0.1);
  });

  it.each(REFUSED.map((report) => [report.sql.split('\n').slice(2).join(' '), report] as const))(
    'keeps nothing of %s',
    async (_, report) => {
      await project.session.query(START);
      await show(report, 'edp', '', true);
      const again = await show(report, 'edp', '', true);
      expect(again).toMatchObject({ isCached: false, text: expect.not.stringMatching(/^error/) });
      expect(again.why).toBeDefined();
    },
  );

  it(
    'keeps what depends on the data alone',
    async () => {
      await project.session.query(START);
      await writeFile(
        path.join(project.directory, 'people-0.csv'),
        'id,name,born\n1,a,2000-01-01\n',
      );
      await runCli(project.directory, ['ingest', 'people-0.csv', '--force']);
      await runCli(project.directory, ['run']);
      for (const report of KEPT) {
        const first = await show(report, 'edp', '2024-01-02', true);
        let again = await show(report, 'edp', '2024-01-02', true);
        // The server's own ANALYZE may come in between.
        for (let tries = 0; tries < 3 && !again.isCached; tries++)
          again = await show(report, 'edp', '2024-01-02', true);
        expect([first.why, again.text], report.sql).toEqual([undefined, first.text]);
        expect(again.isCached, report.sql).toBe(true);
      }
    },
    SLOW,
  );
});
