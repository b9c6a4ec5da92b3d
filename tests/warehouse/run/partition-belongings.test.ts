/** What people gave a table with partitions stays when it is made anew, and later partitions have it, too. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

const READER = 'edp_parts_reader';
const OWNER = 'edp_parts_owner';

beforeAll(async () => {
  await database.query(`CREATE ROLE ${READER}; CREATE ROLE ${OWNER}`);
});
afterAll(async () => {
  await database.query('DROP SCHEMA IF EXISTS gold, silver CASCADE');
  await database.query(`DROP OWNED BY ${READER}, ${OWNER}; DROP ROLE ${READER}, ${OWNER}`);
});

const project = (more: object = {}) =>
  declare({
    tables: { jobs: { columns: { id: 'int', at: 'date', n: 'int' }, key: 'id' } },
    facts: {
      job_fact: { from: 'jobs', date: 'at', measures: { total: 'sum(n)' }, ...more },
    },
  });

const load = (values: string, id: number) =>
  change(`INSERT INTO jobs VALUES ${values}`, 'public.jobs', 'inserted', id);

async function begin(more: object): Promise<void> {
  await database.query('CREATE TABLE jobs (id int, at date, n int, load_id bigint)');
  await load("(1, '2024-01-01', 5, 1), (2, '2024-02-02', 7, 1)", 1);
  await run(await project(more));
}

const MONTHS = { 'partition-by': 'month' };
const MORE = { total: 'sum(n)', jobs: 'count(*)' };

const PARTS = `SELECT c.relname::text, relowner::regrole::text, relreplident::text,
    (SELECT string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type) FROM aclexplode(c.relacl) a WHERE a.grantee = '${READER}'::regrole) AS rights
  FROM pg_class c WHERE relname LIKE 'job\\_fact%' AND relkind IN ('r', 'p') ORDER BY 1`;

it('owner, rights and replica identity', async () => {
  await begin(MONTHS);
  await database.query(`
    GRANT USAGE, CREATE ON SCHEMA gold TO ${OWNER};
    GRANT SELECT, REFERENCES ON gold.job_fact TO ${READER};
    ALTER TABLE gold.job_fact OWNER TO ${OWNER};
    ALTER TABLE gold.job_fact REPLICA IDENTITY FULL;
    CREATE PUBLICATION parts FOR TABLE gold.job_fact;
    ALTER DEFAULT PRIVILEGES IN SCHEMA gold GRANT DELETE ON TABLES TO ${READER}`);
  expect(statesOf(await run(await project({ ...MONTHS, measures: MORE })))).toEqual([
    'gold.job_fact 2024-01-01 done',
    'gold.job_fact 2024-02-02 done',
  ]);
  await load("(3, '2024-03-01', 1, 2), (4, '2024-01-01', 1, 2)", 2);
  await run(await project({ ...MONTHS, measures: MORE }));
  const all = ['job_fact', '2024_01', '2024_02', '2024_03', 'rest'];
  expect(await database.query(PARTS)).toEqual(
    all.map((name) => [
      name === 'job_fact' ? name : `job_fact_${name}`,
      OWNER,
      'f',
      'REFERENCES SELECT',
    ]),
  );
  expect(
    await database.query(
      "SELECT tablename::text FROM pg_publication_tables WHERE pubname = 'parts'",
    ),
  ).toHaveLength(4);
  await database.query('DROP PUBLICATION parts');
  await database.query(
    `ALTER DEFAULT PRIVILEGES IN SCHEMA gold REVOKE DELETE ON TABLES FROM ${READER}`,
  );
});

it('where rows are shown to some only, nobody gets a right on a partition', async () => {
  await begin(MONTHS);
  await database.query(`
    GRANT SELECT ON gold.job_fact TO ${READER};
    ALTER TABLE gold.job_fact ENABLE ROW LEVEL SECURITY;
    CREATE POLICY early ON gold.job_fact FOR SELECT TO ${READER} USING (date < '2024-02-01')`);
  await run(await project({ ...MONTHS, measures: MORE }));
  await load("(3, '2024-03-01', 1, 2)", 2);
  await run(await project({ ...MONTHS, measures: MORE }));
  expect((await database.query(PARTS)).map((row) => row[3])).toEqual([
    'SELECT',
    null,
    null,
    null,
    null,
  ]);
});

const SHOW = `
  SELECT 'index', indexname || ' ' || tablename FROM pg_indexes WHERE schemaname = 'gold' AND tablename LIKE 'job\\_fact%'
  UNION ALL SELECT 'constraint', conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE contype <> 'n' AND conrelid = 'gold.job_fact'::regclass
  UNION ALL SELECT 'trigger', pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'gold.job_fact'::regclass AND NOT tgisinternal
  UNION ALL SELECT 'comment', col_description('gold.job_fact'::regclass, attnum) FROM pg_attribute WHERE attrelid = 'gold.job_fact'::regclass AND attname = 'total'
  UNION ALL SELECT 'foreign key', conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confrelid = 'gold.job_fact'::regclass
  UNION ALL SELECT 'view', pg_get_viewdef('public.busy'::regclass)
  ORDER BY 1, 2`;

it('indexes on all partitions, constraints, triggers, comments, foreign keys and views', async () => {
  await begin(MONTHS);
  await database.query(`
    CREATE INDEX own_total ON gold.job_fact (total);
    CREATE UNIQUE INDEX own_unique ON gold.job_fact (date, total);
    ALTER TABLE gold.job_fact ADD CONSTRAINT positive CHECK (total > 0), ADD CONSTRAINT one UNIQUE (date);
    CREATE TABLE public.kept (date date REFERENCES gold.job_fact (date));
    INSERT INTO public.kept VALUES ('2024-02-02');
    CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER told AFTER DELETE ON gold.job_fact FOR EACH STATEMENT EXECUTE FUNCTION public.nothing();
    COMMENT ON COLUMN gold.job_fact.total IS 'of all jobs';
    CREATE VIEW public.busy AS SELECT * FROM gold.job_fact WHERE total > 6`);
  const before = await database.query(SHOW);
  for (const measures of [MORE, { total: 'sum(n)' }]) {
    const results = await run(await project({ ...MONTHS, measures }), { full: true });
    expect(statesOf(results).filter((state) => !state.endsWith('done'))).toEqual([]);
    expect((await database.query(SHOW)).filter(([what]) => what !== 'view')).toEqual(
      before.filter(([what]) => what !== 'view'),
    );
  }
  expect(
    await database.query('SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid'),
  ).toEqual([]);
});

it.each([
  ['a unique index without the date', 'CREATE UNIQUE INDEX few ON gold.job_fact (total)', 'few'],
  ['settings of storage', 'ALTER TABLE gold.job_fact SET (fillfactor = 70)', 'fillfactor'],
])(
  '%s does not fit a table that gets partitions, is named, and the table stays',
  async (_, sql, named) => {
    await begin({});
    await database.query(sql);
    const [failed] = await run(await project(MONTHS));
    expect(failed?.error?.message).toContain(named);
    expect(await database.query('SELECT total::int FROM gold.job_fact ORDER BY date')).toEqual([
      [5],
      [7],
    ]);
    expect(
      await database.query("SELECT relkind::text FROM pg_class WHERE relname = 'job_fact'"),
    ).toEqual([['r']]);
  },
);
