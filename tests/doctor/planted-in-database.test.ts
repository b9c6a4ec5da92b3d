/** Faults of a database: each is planted, found, mended with the SQL or command that is printed, and gone. */
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { toUrl } from '../../src/postgres/which-server.js';
import { edp } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { added, type Examined, examine, makePlace, mend, named } from './examined.js';

const PROJECT = `process-count: 2
tables:
  people:
    columns: { id: int, name: text }
    key: id
    files: people*.csv
  visits:
    columns: { id: bigint, person: { type: int, references: people }, at: timestamp }
    key: id
    indexes: [person]
    files: visits*.csv
`;

const FILES = {
  'edp.yaml': PROJECT,
  'people.csv': 'id,name\n1,Ada\n2,Grace\n',
  'visits.csv': 'id,person,at\n10,1,2026-01-01T00:00:00\n11,2,2026-01-02T00:00:00\n',
};

interface Setup extends Examined {
  readonly env: Record<string, string>;
  readonly database: TestDatabase;
  readonly client: pg.Client;
}

async function makeLoaded(): Promise<Setup> {
  const database = await createTestDatabase('empty');
  const cwd = await makePlace(FILES);
  const env = { DATABASE_URL: database.url };
  const loaded = await edp(['ingest', 'people.csv', 'visits.csv'], { cwd, env });
  expect(loaded.status, loaded.stderr).toBe(0);
  return { cwd, env, database, client: await open(database.config) };
}

async function dropRole({ config }: TestDatabase, role: string): Promise<void> {
  const admin = new pg.Client(config);
  await admin.connect();
  await admin.query(`DROP OWNED BY ${role}`);
  await admin.query(`DROP ROLE ${role}`);
  await admin.end();
}

async function open(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config);
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

interface Fault {
  readonly check: string;
  readonly what: string;
  readonly severity: 'error' | 'warning' | 'note';
  /** SQL, each by itself; or whatever else makes the fault. */
  readonly plant: readonly string[] | ((setup: Setup) => Promise<unknown>);
}

/** More rows than any table here has. */
const NEVER = 1_000_000_000;

const FAULTS: readonly Fault[] = [
  {
    check: 'password-expiry',
    what: 'the password of the role is valid for some days only',
    severity: 'warning',
    plant: async ({ client, env, database }) => {
      const role = `short lived ${database.config.database}`;
      await client.query(`CREATE ROLE "${role}" LOGIN SUPERUSER VALID UNTIL 'tomorrow'`);
      onTestFinished(() => dropRole(database, `"${role}"`));
      env.DATABASE_URL = toUrl({ ...database.config, user: role });
    },
  },
  {
    check: 'tables-differ',
    what: 'a column is missing',
    severity: 'error',
    plant: ['ALTER TABLE people DROP COLUMN name'],
  },
  {
    check: 'tables-differ',
    what: 'a column has another type',
    severity: 'error',
    plant: ['ALTER TABLE visits ALTER COLUMN at TYPE text'],
  },
  {
    check: 'tables-differ',
    what: 'a key has no unique index',
    severity: 'error',
    plant: ['ALTER TABLE visits DROP CONSTRAINT visits_pkey'],
  },
  {
    check: 'tables-differ',
    what: 'a column beside those of edp.yaml needs a value',
    severity: 'error',
    plant: [
      'ALTER TABLE people ADD "must Be" int DEFAULT 1 NOT NULL',
      'ALTER TABLE people ALTER "must Be" DROP DEFAULT',
    ],
  },
  {
    check: 'rights-on-tables',
    what: 'the search_path names no schema',
    severity: 'error',
    plant: async ({ client, env, database }) => {
      const role = `astray ${database.config.database}`;
      await client.query(`CREATE ROLE "${role}" LOGIN SUPERUSER`);
      await client.query(`ALTER ROLE "${role}" SET search_path = nowhere`);
      onTestFinished(() => dropRole(database, `"${role}"`));
      env.DATABASE_URL = toUrl({ ...database.config, user: role });
    },
  },
  {
    check: 'unlogged-tables',
    what: 'a table is not logged',
    severity: 'error',
    plant: ['ALTER TABLE visits SET UNLOGGED'],
  },
  {
    check: 'disabled-constraints',
    what: 'foreign keys are not checked',
    severity: 'warning',
    plant: ['ALTER TABLE visits DISABLE TRIGGER ALL'],
  },
  {
    check: 'unvalidated-constraints',
    what: 'a constraint is not valid',
    severity: 'warning',
    plant: ['ALTER TABLE people ADD CONSTRAINT "a name" CHECK (name <> \'\') NOT VALID'],
  },
  {
    check: 'invalid-indexes',
    what: 'a unique index could not be built',
    severity: 'warning',
    plant: async ({ client }) => {
      await client.query('ALTER TABLE visits ADD same int DEFAULT 1');
      await expect(
        client.query('CREATE UNIQUE INDEX CONCURRENTLY "not Unique" ON visits (same)'),
      ).rejects.toThrow();
    },
  },
  {
    check: 'invalid-indexes',
    what: 'an index was not built to its end',
    severity: 'warning',
    plant: [
      'CREATE INDEX by_name ON people (name)',
      "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_name'::regclass",
    ],
  },
  {
    check: 'foreign-key-index',
    what: 'a foreign key has no index',
    severity: 'note',
    plant: ['DROP INDEX visits_person_idx'],
  },
  {
    check: 'autovacuum',
    what: 'autovacuum is off for a table',
    severity: 'warning',
    plant: ['ALTER TABLE visits SET (autovacuum_enabled = false)'],
  },
  {
    check: 'statistics',
    what: 'a large table was never analyzed',
    severity: 'note',
    plant: [
      // On a busy machine, the test takes longer than the nap of autovacuum, which would mend the fault.
      `ALTER TABLE visits SET (autovacuum_analyze_threshold = ${NEVER}, autovacuum_vacuum_insert_threshold = -1)`,
      'INSERT INTO visits (id, person) SELECT n, 1 FROM generate_series(100, 20000) n',
      'SELECT pg_stat_force_next_flush()',
    ],
  },
  {
    check: 'read-only',
    what: 'the database is read-only by default',
    severity: 'error',
    plant: ({ client, database }) =>
      client.query(
        `ALTER DATABASE ${database.config.database} SET default_transaction_read_only = on`,
      ),
  },
  {
    check: 'unfinished-loads',
    what: 'a load was interrupted',
    severity: 'warning',
    plant: [
      "UPDATE edp.loads SET state = 'loading', finished_at = NULL, text_bytes = NULL WHERE load_id = 2",
    ],
  },
  {
    check: 'unfinished-loads',
    what: 'an undo was interrupted',
    severity: 'warning',
    plant: ["UPDATE edp.loads SET state = 'undoing' WHERE load_id = 2"],
  },
  {
    check: 'rejects-waiting',
    what: 'rejects could be loaded by now',
    severity: 'note',
    plant: async ({ client, cwd, env, database }) => {
      const { writeFile } = await import('node:fs/promises');
      await writeFile(`${cwd}/visits-2.csv`, 'id,person,at\n12,3,2026-01-03T00:00:00\n');
      expect((await edp(['ingest', 'visits-2.csv'], { cwd, env })).status).toBe(3);
      await client.query("INSERT INTO people (id, name) VALUES (3, 'Lin')");
      expect(database.url).toBe(env.DATABASE_URL);
    },
  },
  {
    check: 'blocking-sessions',
    what: 'a forgotten transaction keeps others waiting',
    severity: 'warning',
    plant: async ({ database, client }) => {
      const idle = await open(database.config);
      await idle.query('BEGIN');
      await idle.query('LOCK TABLE visits IN SHARE ROW EXCLUSIVE MODE');
      const waiting = await open(database.config);
      void waiting.query('DELETE FROM visits WHERE false').catch(() => {});
      await expect
        .poll(async () => {
          const { rows } = await client.query(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
          );
          return rows.length;
        })
        .toBe(1);
    },
  },
];

describe('a fault of the database', () => {
  it.each(FAULTS.map((fault) => ({ ...fault, line: `${fault.check}: ${fault.what}` })))(
    '$line',
    async ({ check, severity, plant }) => {
      const setup = await makeLoaded();
      const before = await examine(setup);
      expect(before.notExamined).toEqual([]);
      if (typeof plant === 'function') await plant(setup);
      else for (const statement of plant) await setup.client.query(statement);
      const planted = await examine(setup);
      expect(added(planted, before), JSON.stringify(planted.findings)).toEqual([check]);
      const [finding, ...more] = named(planted, check);
      expect(more).toEqual([]);
      expect(finding!.severity).toBe(severity);
      const session = await open(setup.database.config);
      const after = await examine(setup, await mend(finding!, setup, session));
      expect(added(after, before), JSON.stringify(after.findings)).toEqual([]);
    },
  );

  it('tables-differ: a table is in a schema that is not there', async () => {
    const setup = await makeLoaded();
    const { appendFile } = await import('node:fs/promises');
    await appendFile(
      `${setup.cwd}/edp.yaml`,
      '  sales.orders: { columns: { id: int }, key: id }\n',
    );
    const planted = await examine(setup);
    const [finding] = named(planted, 'rights-on-tables');
    expect(finding).toMatchObject({
      severity: 'error',
      problem: expect.stringMatching(/no schema/),
    });
    const after = await examine(setup, await mend(finding!, setup, setup.client));
    expect(named(after, 'rights-on-tables')).toEqual([]);
  });

  it.each([
    ['VIEW', /"people" is a view, and no table/],
    ['MATERIALIZED VIEW', /"people" is a materialized view, and no table/],
  ])('tables-differ: a %s has the name of a table', async (kind, problem) => {
    const setup = await makeLoaded();
    await setup.client.query('ALTER TABLE people RENAME TO those');
    await setup.client.query(`CREATE ${kind} people AS TABLE those`);
    expect(named(await examine(setup), 'tables-differ')).toMatchObject([
      { severity: 'error', problem: expect.stringMatching(problem) },
    ]);
    await setup.client.query(`DROP ${kind} people`);
    await setup.client.query('ALTER TABLE those RENAME TO people');
    expect(named(await examine(setup), 'tables-differ')).toEqual([]);
  });

  it('ledger-complete: a table of the ledger was dropped', async () => {
    const setup = await makeLoaded();
    await setup.client.query('ALTER TABLE edp.receipts RENAME TO lost');
    const planted = await examine(setup);
    expect(planted.ok).toBe(false);
    expect(named(planted, 'ledger-complete')).toMatchObject([
      { severity: 'error', problem: 'the ledger lacks edp.receipts' },
    ]);
    await setup.client.query('ALTER TABLE edp.lost RENAME TO receipts');
    expect(named(await examine(setup), 'ledger-complete')).toEqual([]);
  });

  it('missing-sources: a task reads what nothing makes', async () => {
    const setup = await makeLoaded();
    const { appendFile } = await import('node:fs/promises');
    await appendFile(
      `${setup.cwd}/edp.yaml`,
      'silver: { people: { from: public.gone, key: id, columns: { id: id } } }\n',
    );
    expect(named(await examine(setup), 'missing-sources')).toMatchObject([
      { severity: 'error', problem: 'silver.people reads "public"."gone", which is not there' },
    ]);
    await setup.client.query('CREATE TABLE gone (id int)');
    expect(named(await examine(setup), 'missing-sources')).toEqual([]);
  });

  it('ledger-version: the ledger is of a newer edp', async () => {
    const setup = await makeLoaded();
    await setup.client.query("INSERT INTO edp.migrations (version, name) VALUES (999, 'x')");
    const planted = await examine(setup);
    expect(named(planted, 'ledger-version')).toMatchObject([{ severity: 'error' }]);
    expect(planted.notExamined.map(({ check }) => check)).toEqual([
      'unfinished-loads',
      'rejects-waiting',
    ]);
    await setup.client.query('DELETE FROM edp.migrations WHERE version = 999');
    expect(named(await examine(setup), 'ledger-version')).toEqual([]);
  });

  it('database-missing: the command makes it', async () => {
    const database = await createTestDatabase('empty');
    const name = `${database.config.database}_gone`;
    const admin = await open({ ...database.config, database: 'postgres' });
    onTestFinished(async () => {
      await admin.query(`DROP DATABASE IF EXISTS ${name}`);
    });
    const cwd = await makePlace();
    const setup = { cwd, env: { DATABASE_URL: toUrl({ ...database.config, database: name }) } };
    const planted = await examine(setup);
    expect(planted).toMatchObject({ ok: false, server: null });
    const [finding] = named(planted, 'database-missing');
    const after = await examine(setup, await mend(finding!, setup));
    expect(after, JSON.stringify(after)).toMatchObject({ ok: true, server: { kind: 'server' } });
    await admin.query('SELECT 1');
  });

  it('database-encoding: the SQL makes one with UTF8', async () => {
    const database = await createTestDatabase('empty');
    const name = `${database.config.database}_latin`;
    const admin = await open({ ...database.config, database: 'postgres' });
    await admin.query(`CREATE DATABASE ${name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`);
    onTestFinished(async () => {
      for (const one of [name, `${name}_utf8`]) await admin.query(`DROP DATABASE IF EXISTS ${one}`);
    });
    const cwd = await makePlace();
    const at = (one: string) => ({
      cwd,
      env: { DATABASE_URL: toUrl({ ...database.config, database: one }) },
    });
    const [finding] = named(await examine(at(name)), 'database-encoding');
    expect(finding).toMatchObject({ severity: 'warning' });
    await mend(finding!, at(name), admin);
    expect(named(await examine(at(`${name}_utf8`)), 'database-encoding')).toEqual([]);
  });
});

describe('a role with few rights', () => {
  const makeRole = async ({ client, database, cwd }: Setup, grants: readonly string[]) => {
    const role = `"role of ${database.config.database}"`;
    await client.query(`CREATE ROLE ${role} LOGIN CONNECTION LIMIT 3`);
    for (const grant of grants) await client.query(`${grant} TO ${role}`);
    onTestFinished(() => dropRole(database, role));
    const user = role.slice(1, -1);
    return { cwd, env: { DATABASE_URL: toUrl({ ...database.config, user }) } };
  };

  it('gets exactly the grants that it lacks, all at once', async () => {
    const setup = await makeLoaded();
    const examined = await makeRole(setup, []);
    const seen: string[] = [];
    const wrongOf = async () =>
      (await examine(examined)).findings.filter(
        ({ check, severity }) => severity !== 'note' && check !== 'settings-that-slow-loads',
      );
    for (const finding of await wrongOf()) {
      seen.push(finding.check);
      await mend(
        { ...finding, mend: finding.mend.filter(({ kind }) => kind === 'sql') },
        setup,
        setup.client,
      );
    }
    expect(await wrongOf()).toEqual([]);
    expect(new Set(seen)).toEqual(new Set(['connections', 'rights-on-ledger', 'rights-on-tables']));
    const { writeFile } = await import('node:fs/promises');
    await writeFile(`${setup.cwd}/visits-3.csv`, 'id,person,at\n13,1,2026-01-03T00:00:00\n');
    const loaded = await edp(['ingest', 'visits-3.csv'], examined);
    expect(loaded.status, loaded.stderr).toBe(0);
  });

  /** What each load of the built-in kind needs, but for what a case takes away. */
  const LOADER = [
    'GRANT USAGE ON SCHEMA edp',
    'GRANT SELECT, INSERT, UPDATE ON edp.loads, edp.runs',
    'GRANT SELECT, INSERT ON edp.receipts, edp.rejects, edp.changes',
    'GRANT SELECT ON edp.migrations, edp.promotions, edp.inferred_members',
  ];

  it.each([
    {
      what: 'a schema that it may not use',
      plant: [
        'CREATE SCHEMA "my own"',
        'ALTER TABLE people SET SCHEMA "my own"',
        'GRANT SELECT, INSERT ON "my own".people, visits TO PUBLIC',
      ],
      tables: { people: '"my own".people' },
      problem: /may not use schema "my own", where "my own".people is/,
    },
    {
      what: 'rights on some columns only',
      plant: [
        'GRANT SELECT, INSERT ON visits TO PUBLIC',
        'GRANT SELECT (id, load_id), INSERT ON people TO PUBLIC',
      ],
      problem: /lacks SELECT \(name\) on table people/,
    },
    {
      what: 'a sequence that numbers the rows',
      plant: [
        'ALTER TABLE people ADD COLUMN place bigserial',
        'GRANT SELECT, INSERT ON people, visits TO PUBLIC',
      ],
      problem: /may not use sequence people_place_seq, which numbers the rows of table people/,
    },
    {
      what: 'row-level security',
      plant: [
        'ALTER TABLE people ENABLE ROW LEVEL SECURITY',
        'GRANT SELECT, INSERT ON people, visits TO PUBLIC',
      ],
      problem: /row-level security of table people applies to role/,
    },
  ])('finds $what, and its SQL lets it load', async ({ plant, problem, tables = {} }) => {
    const setup = await makeLoaded();
    const examined = await makeRole(setup, LOADER);
    const { readFile, writeFile } = await import('node:fs/promises');
    const model = await readFile(`${setup.cwd}/edp.yaml`, 'utf8');
    const renamed = Object.entries(tables).reduce(
      (text, [from, to]) =>
        text
          .replace(`  ${from}:`, `  '${to}':`)
          .replace(`references: ${from}`, `references: '${to}'`),
      model,
    );
    await writeFile(`${setup.cwd}/edp.yaml`, `${renamed}`);
    for (const statement of plant) await setup.client.query(statement);
    const [finding, ...more] = named(await examine(examined), 'rights-on-tables');
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ severity: 'error', problem: expect.stringMatching(problem) });
    await mend(finding!, setup, setup.client);
    expect(named(await examine(examined), 'rights-on-tables')).toEqual([]);
    await writeFile(`${setup.cwd}/people-2.csv`, 'id,name\n3,Mary\n');
    const loaded = await edp(['ingest', 'people-2.csv'], examined);
    expect(loaded.status, loaded.stderr).toBe(0);
  });

  it.each([
    {
      what: 'may not connect to the database',
      check: 'login-refused',
      plant: (name: string) => [`REVOKE CONNECT ON DATABASE "${name}" FROM PUBLIC`],
    },
    {
      what: 'has no connection',
      check: 'no-connection-left',
      plant: (_: string, role: string) => [`ALTER ROLE ${role} CONNECTION LIMIT 0`],
    },
    {
      what: 'meets a database that takes no connections',
      check: 'login-refused',
      plant: (name: string) => [`ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`],
    },
  ])('$what, and is told the SQL for it', async ({ check, plant }) => {
    const setup = await makeLoaded();
    const examined = await makeRole(setup, LOADER);
    const admin = await open({ ...setup.database.config, database: 'postgres' });
    const name = setup.database.config.database!;
    for (const statement of plant(name, `"role of ${name}"`)) await admin.query(statement);
    const planted = await examine(examined);
    const [finding] = named(planted, check);
    expect(finding?.mend, JSON.stringify(planted)).toMatchObject([{ kind: 'sql' }]);
    await mend(finding!, setup, admin);
    expect((await examine(examined)).server).not.toBeNull();
  });

  it('lacks the schema and the tables in it, and is told both', async () => {
    const setup = await makeLoaded();
    const examined = await makeRole(setup, LOADER);
    const { readFile, writeFile } = await import('node:fs/promises');
    const model = await readFile(`${setup.cwd}/edp.yaml`, 'utf8');
    await writeFile(
      `${setup.cwd}/edp.yaml`,
      model
        .replace('  people:', "  'own.people':")
        .replace('references: people', "references: 'own.people'"),
    );
    for (const statement of [
      'CREATE SCHEMA own',
      'ALTER TABLE people SET SCHEMA own',
      'ALTER TABLE own.people ADD COLUMN place bigserial',
      'GRANT SELECT, INSERT ON visits TO PUBLIC',
    ]) {
      await setup.client.query(statement);
    }
    const findings = named(await examine(examined), 'rights-on-tables');
    expect(findings.map(({ problem }) => problem.replace(/role "[^"]*"/, 'role'))).toEqual([
      'role may not use schema own, where own.people is',
      'role lacks SELECT, INSERT on table own.people',
      'role may not use sequence own.people_place_seq, which numbers the rows of table own.people',
    ]);
    for (const finding of findings) await mend(finding, setup, setup.client);
    expect(named(await examine(examined), 'rights-on-tables')).toEqual([]);
  });

  it('is told what it cannot see', async () => {
    const setup = await makeLoaded();
    const examined = await makeRole(setup, []);
    const other = await open(setup.database.config);
    await other.query('BEGIN');
    const { notExamined, findings } = await examine(examined);
    expect(notExamined).toMatchObject([
      { check: 'blocking-sessions', reason: expect.stringMatching(/pg_read_all_stats/) },
    ]);
    expect(findings.map(({ check }) => check)).toContain('rights-on-ledger');
  });

  it('finds tables of another owner', async () => {
    const setup = await makeLoaded();
    const examined = await makeRole(setup, ['GRANT USAGE ON SCHEMA edp']);
    const findings = named(await examine(examined), 'owners');
    expect(findings.map(({ problem }) => problem)).toEqual([
      'table people belongs to role edp',
      'table visits belongs to role edp',
    ]);
    // Its owner here is a superuser: a member of it would be one, too.
    for (const finding of findings) {
      expect(finding.mend[0]!.text).toMatch(/^ALTER TABLE \w+ OWNER TO "role of /);
      await mend(finding, setup, setup.client);
    }
    expect(named(await examine(examined), 'owners')).toEqual([]);
  });

  it('is offered membership of an owner that is none', async () => {
    const setup = await makeLoaded();
    const examined = await makeRole(setup, ['GRANT USAGE ON SCHEMA edp']);
    const owner = `owner of ${setup.database.config.database}`;
    await setup.client.query(`CREATE ROLE "${owner}"`);
    onTestFinished(() => dropRole(setup.database, `"${owner}"`));
    await setup.client.query(`ALTER TABLE people OWNER TO "${owner}"`);
    await setup.client.query(`ALTER TABLE visits OWNER TO "${owner}"`);
    const [finding] = named(await examine(examined), 'owners');
    expect(finding!.mend[0]!.text).toMatch(/^GRANT "owner of .*" TO "role of /);
    await mend(finding!, setup, setup.client);
    expect(named(await examine(examined), 'owners')).toEqual([]);
  });

  it('is told that it may not update an older ledger', async () => {
    const setup = await makeLoaded();
    const examined = await makeRole(setup, LOADER);
    await setup.client.query(
      'DELETE FROM edp.migrations WHERE version = (SELECT max(version) FROM edp.migrations)',
    );
    const [asOwner] = named(await examine(setup), 'ledger-version');
    expect(asOwner).toMatchObject({ severity: 'note' });
    const [asRole] = named(await examine(examined), 'ledger-version');
    expect(asRole).toMatchObject({
      severity: 'error',
      problem: expect.stringMatching(/older edp .*may not update it/),
      mend: [{ text: 'edp status', by: 'the owner of schema edp' }],
    });
  });
});
