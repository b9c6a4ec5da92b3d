/** What people gave a table that edp made stays when the table is made anew. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

const READER = 'edp_belongings_reader';
const OWNER = 'edp_belongings_owner';

beforeAll(async () => {
  await database.query(`CREATE ROLE ${READER}; CREATE ROLE ${OWNER}`);
});
afterAll(async () => {
  await database.query('DROP SCHEMA IF EXISTS gold, silver CASCADE');
  await database.query(`DROP OWNED BY ${READER}, ${OWNER}; DROP ROLE ${READER}, ${OWNER}`);
});

const project = (measures: object) =>
  declare({
    tables: { jobs: { columns: { id: 'int', usr: 'text', at: 'date', n: 'int' }, key: 'id' } },
    dimensions: { user_dim: { from: 'jobs', 'natural-key': 'usr', attributes: [] } },
    facts: {
      job_fact: {
        from: 'jobs',
        date: 'at',
        dimensions: { user_id: { dimension: 'user_dim', by: ['usr'] } },
        measures,
      },
    },
    checks: {},
  });

async function begin(): Promise<void> {
  await database.query('CREATE TABLE jobs (id int, usr text, at date, n int, load_id bigint)');
  await change(
    "INSERT INTO jobs VALUES (1, 'a', '2024-01-01', 5, 1), (2, 'b', '2024-01-02', 7, 1)",
    'public.jobs',
    'inserted',
    1,
  );
}

/** As the server describes it. */
const SHOW = `
  SELECT 'index', pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN ('gold.job_fact'::regclass, 'gold.user_dim'::regclass)
  UNION ALL SELECT 'constraint', conname || pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype <> 'n' AND 'gold.job_fact'::regclass IN (conrelid, confrelid) OR conname = 'kept_user'
  UNION ALL SELECT 'trigger', pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'gold.job_fact'::regclass AND NOT tgisinternal
  UNION ALL SELECT 'policy', polname || pg_get_expr(polqual, polrelid) || polroles::regrole[]::text FROM pg_policy WHERE polrelid = 'gold.job_fact'::regclass
  UNION ALL SELECT 'of the table', concat_ws(' ', relrowsecurity, relreplident, reloptions, relowner::regrole, relacl) FROM pg_class WHERE oid = 'gold.job_fact'::regclass
  UNION ALL SELECT 'comment', col_description('gold.job_fact'::regclass, attnum) FROM pg_attribute WHERE attrelid = 'gold.job_fact'::regclass AND attname = 'total'
  UNION ALL SELECT 'statistics', pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxrelid = 'gold.job_fact'::regclass
  UNION ALL SELECT 'publication', pubname::text FROM pg_publication_tables WHERE tablename = 'job_fact'
  UNION ALL SELECT 'view', concat_ws(' ', reloptions, relowner::regrole) FROM pg_class WHERE oid = 'public.busy'::regclass
  ORDER BY 1, 2`;

it('indexes, constraints, triggers, policies, settings, owners and rights', async () => {
  await begin();
  await run(await project({ total: 'sum(n)' }));
  await database.query(`
    CREATE INDEX own_total ON gold.job_fact (total) WHERE total > 3;
    CREATE UNIQUE INDEX own_unique ON gold.job_fact (user_id, date);
    ALTER TABLE gold.job_fact ADD CONSTRAINT positive CHECK (total > 0);
    CREATE TABLE public.kept (user_id bigint CONSTRAINT kept_user REFERENCES gold.user_dim);
    INSERT INTO public.kept SELECT id FROM gold.user_dim;
    CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER told AFTER DELETE ON gold.job_fact FOR EACH STATEMENT EXECUTE FUNCTION public.nothing();
    CREATE POLICY early ON gold.job_fact FOR SELECT TO ${READER} USING (date < '2024-01-02');
    ALTER TABLE gold.job_fact ENABLE ROW LEVEL SECURITY;
    ALTER TABLE gold.job_fact SET (fillfactor = 70), REPLICA IDENTITY FULL;
    COMMENT ON COLUMN gold.job_fact.total IS 'of all jobs';
    CREATE STATISTICS gold.together ON user_id, date FROM gold.job_fact;
    CREATE PUBLICATION told FOR TABLE gold.job_fact;
    CREATE VIEW public.busy WITH (security_barrier) AS SELECT * FROM gold.job_fact WHERE total > 6;
    ALTER VIEW public.busy OWNER TO ${OWNER};
    GRANT USAGE ON SCHEMA gold TO ${READER}, ${OWNER};
    GRANT CREATE ON SCHEMA gold TO ${OWNER};
    GRANT SELECT ON gold.job_fact TO ${READER}, ${OWNER};
    ALTER TABLE gold.job_fact OWNER TO ${OWNER};
    ALTER DEFAULT PRIVILEGES IN SCHEMA gold GRANT DELETE ON TABLES TO ${READER};
  `);
  const before = await database.query(SHOW);
  const results = await run(await project({ total: 'sum(n)', jobs: 'count(*)' }), { full: true });
  expect(results.map(({ state }) => state)).not.toContain('failed');
  expect(await database.query(SHOW)).toEqual(before);
  // And once more: what edp made itself is not there twice.
  await run(await project({ total: 'sum(n)' }), { full: true });
  expect(await database.query(SHOW)).toEqual(before);
  await database.query('DROP PUBLICATION told');
});

it('what is about a column goes with it', async () => {
  await begin();
  await run(await project({ total: 'sum(n)', jobs: 'count(*)' }));
  await database.query(`CREATE INDEX own_jobs ON gold.job_fact (jobs);
    ALTER TABLE gold.job_fact ADD CONSTRAINT any_jobs CHECK (jobs > 0);
    COMMENT ON COLUMN gold.job_fact.jobs IS 'how many'`);
  const results = await run(await project({ total: 'sum(n)' }));
  expect(results.map(({ state }) => state)).not.toContain('failed');
  const [[indexes]] = (await database.query(
    "SELECT count(*)::int FROM pg_indexes WHERE indexname = 'own_jobs'",
  )) as [[number]];
  expect(indexes).toBe(0);
});

it('what does not fit any more is named, and the table stays', async () => {
  await begin();
  await run(await project({ total: 'sum(n)' }));
  await database.query('ALTER TABLE gold.job_fact ADD CONSTRAINT few CHECK (total < 100)');
  await change(
    "INSERT INTO jobs VALUES (3, 'a', '2024-01-01', 200, 2)",
    'public.jobs',
    'inserted',
    2,
  );
  const results = await run(await project({ total: 'sum(n)', jobs: 'count(*)' }));
  const [failed] = results.filter(({ task }) => task === 'gold.job_fact');
  expect(failed?.error?.message).toContain('"few"');
  expect(await database.query('SELECT total FROM gold.job_fact ORDER BY date')).toEqual([[5], [7]]);
});

it('a materialized view that is built anew has the indexes of others', async () => {
  await begin();
  const warehouse = await declare(
    {
      tables: { jobs: { columns: { id: 'int', usr: 'text', at: 'date', n: 'int' }, key: 'id' } },
      views: { by_user: { materialized: true, indexes: [['usr']] } },
    },
    {
      'sql/views/by_user.sql':
        '-- question: How many?\nSELECT usr, sum(n) AS n FROM jobs GROUP BY 1',
    },
  );
  await run(warehouse);
  await database.query(
    `CREATE INDEX own_n ON gold.by_user (n); GRANT SELECT ON gold.by_user TO ${READER}`,
  );
  const shown = async () =>
    database.query(
      `SELECT relacl::text, ARRAY(SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = c.oid ORDER BY 1)
       FROM pg_class c WHERE oid = 'gold.by_user'::regclass`,
    );
  const before = await shown();
  await change(
    "INSERT INTO jobs VALUES (3, 'a', '2024-01-01', 200, 2)",
    'public.jobs',
    'inserted',
    2,
  );
  await run(warehouse);
  expect(await database.query("SELECT n::int FROM gold.by_user WHERE usr = 'a'")).toEqual([[205]]);
  expect(await shown()).toEqual(before);
});

it('beside the table before, which somebody renamed', async () => {
  await begin();
  await run(await project({ total: 'sum(n)' }));
  await database.query(
    'ALTER TABLE gold.job_fact RENAME TO kept_fact; ALTER TABLE gold.user_dim RENAME TO kept_dim',
  );
  for (const measures of [{ total: 'sum(n)' }, { total: 'sum(n)', jobs: 'count(*)' }]) {
    const results = await run(await project(measures), { full: true });
    expect(results.flatMap(({ error }) => error?.message ?? [])).toEqual([]);
  }
  expect(await database.query('SELECT sum(total)::int, count(*)::int FROM gold.job_fact')).toEqual([
    [12, 2],
  ]);
});
