/** The tables of the project, as they are in the database. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { quoteIdentifier } from '../model/ddl.js';
import { SEQUENCE_COLUMN } from '../model/event-columns.js';
import type { Table } from '../model/model.js';
import { asRealized, isRealizable } from '../model/realized-model.js';
import { LINEAGE_COLUMN } from '../model/warehouse/known-columns.js';
import type { Source, Task } from '../model/warehouse/task.js';
import { refuseMissing } from '../postgres/refused-relations.js';
import { findMisfit } from '../postgres/table-in-catalog.js';
import type { Served } from './context.js';
import { advice, CannotLook, type Check, type Found, type Mend, sql } from './finding.js';

const OWNER = 'the owner of the table';
const oidsOf = ({ tables }: Served) => tables.map(({ oid }) => oid);

const differing: Check<Served> = {
  name: 'tables-differ',
  severities: ['error'],
  looksAt: 'the columns, types and keys of the tables, against edp.yaml',
  why: 'a load into such a table is refused',
  mends: '`ALTER TABLE`, or edp.yaml',
  async look({ client, project, tables, otherKinds, machine }) {
    const found: Found[] = [];
    for (const { declared, name } of otherKinds)
      found.push(await explainKind(client, declared, name));
    const end = machine.now() + PATIENCE_MS;
    for (const [i, { oid, declared, name }] of tables.entries()) {
      if (machine.now() > end) {
        // What is found already is worth more than the reason why the rest is not known.
        if (found.length > 0) return found;
        throw new CannotLook(
          `${i} of ${tables.length} tables agree; the others were not looked at within ${PATIENCE_MS / 1000} s`,
        );
      }
      if (declared === undefined) continue;
      const isTold = declared.realized !== undefined;
      const isRealized = isTold || (isRealizable(declared) && (await isFolded(client, oid)));
      if (isRealized && !isTold && isRead(project, name)) found.push(untold(declared, name));
      const misfit = await findMisfit(
        client,
        isRealized && !isTold ? asRealized(declared) : declared,
      );
      if (misfit === undefined) continue;
      const { faults, statement } = misfit;
      const mend: Mend[] =
        statement === undefined
          ? [advice('alter the table, or change edp.yaml, so that they agree')]
          : [sql(statement, OWNER), advice('or change edp.yaml')];
      found.push({ severity: 'error', problem: `table ${name}: ${faults.join('; ')}`, mend });
    }
    return found;
  },
};

/** Whether the table is one that events were folded into. */
async function isFolded(client: pg.Client, oid: number): Promise<boolean> {
  const { rows } = await client.query<{ isFolded: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = $1 AND attname = $2 AND NOT attisdropped)
       AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = $1 AND attname = $3 AND NOT attisdropped) AS "isFolded"`,
    [oid, SEQUENCE_COLUMN, LINEAGE_COLUMN],
  );
  return rows[0]!.isFolded;
}

function isRead(project: Served['project'], name: string): boolean {
  return (project?.warehouse.tasks ?? []).some((task) =>
    sourcesOf(task).some(({ relation: { schema, name: own } }) =>
      [`${quoteIdentifier(schema)}.${quoteIdentifier(own)}`, `${schema}.${own}`].includes(name),
    ),
  );
}

function untold(declared: Table, name: string): Found {
  return {
    severity: 'error',
    problem: `table ${name} is realized from change events, and edp.yaml does not say so: edp run looks for the loads of its rows`,
    mend: [advice(`add version: 1 to ${declared.name} under tables:`)],
  };
}

/** Of all tables together: each takes a few queries. */
const PATIENCE_MS = 10_000;

async function explainKind(client: pg.Client, declared: Table, name: string): Promise<Found> {
  try {
    return await refuseMissing(client, declared.name, name);
  } catch (error) {
    if (!(error instanceof EdpError)) throw error;
    return { severity: 'error', problem: error.message, mend: [advice(error.hint!)] };
  }
}

const missingSources: Check<Served> = {
  name: 'missing-sources',
  severities: ['error'],
  looksAt: 'tables that tasks of edp.yaml read, and that nothing makes',
  why: 'edp run ends with an error',
  mends: 'the table, or the name in edp.yaml',
  async look({ client, project, missing }) {
    const made = new Set(project?.warehouse.tasks.map(({ name }) => name));
    const declared = new Set(missing.map(({ name }) => name));
    const found: Found[] = [];
    for (const task of project?.warehouse.tasks ?? []) {
      for (const { relation, task: other } of sourcesOf(task)) {
        if (other !== undefined && made.has(other)) continue;
        const { schema, name } = relation;
        if (declared.has(name) || declared.has(`${schema}.${name}`)) continue;
        const quoted = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
        const { rows } = await client.query<{ there: boolean }>(
          `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                          WHERE n.nspname = $1 AND c.relname = $2) AS there`,
          [schema, name],
        );
        if (rows[0]!.there) continue;
        found.push({
          severity: 'error',
          problem: `${task.name} reads ${quoted}, which is not there`,
          mend: [advice('declare it under tables: and load it, or correct the name in edp.yaml')],
        });
      }
    }
    return found;
  },
};

function sourcesOf(task: Task): readonly Source[] {
  if ('sources' in task) return task.sources;
  return 'source' in task ? [task.source] : [];
}

const unlogged: Check<Served> = {
  name: 'unlogged-tables',
  severities: ['error'],
  looksAt: 'tables of the project that are UNLOGGED',
  why: 'after a crash they are empty, and the ledger says that their rows are loaded',
  mends: '`ALTER TABLE … SET LOGGED`',
  async look(served) {
    const { rows } = await served.client.query<{ name: string }>(
      `SELECT oid::regclass::text AS name FROM pg_class
       WHERE relpersistence = 'u' AND relkind = 'r' AND oid = ANY ($1::oid[]) ORDER BY 1`,
      [oidsOf(served)],
    );
    return rows.map(({ name }) => ({
      severity: 'error',
      problem: `table ${name} is UNLOGGED`,
      mend: [sql(`ALTER TABLE ${name} SET LOGGED;`, OWNER)],
    }));
  },
};

const disabled: Check<Served> = {
  name: 'disabled-constraints',
  severities: ['warning'],
  looksAt: 'foreign keys whose triggers are disabled',
  why: 'rows that refer to nothing are taken, and no check says so',
  mends: '`ENABLE TRIGGER ALL`',
  async look(served) {
    const { rows } = await served.client.query<{ name: string }>(
      `SELECT DISTINCT tgrelid::regclass::text AS name FROM pg_trigger
       WHERE tgisinternal AND tgenabled = 'D' AND tgrelid = ANY ($1::oid[]) ORDER BY 1`,
      [oidsOf(served)],
    );
    return rows.map(({ name }) => ({
      severity: 'warning',
      problem: `foreign keys of table ${name} are not checked: its triggers are disabled`,
      mend: [sql(`ALTER TABLE ${name} ENABLE TRIGGER ALL;`, 'a superuser')],
    }));
  },
};

const unvalidated: Check<Served> = {
  name: 'unvalidated-constraints',
  severities: ['warning'],
  looksAt: 'constraints that were added NOT VALID',
  why: 'rows from before may break them, and the planner does not rely on them',
  mends: '`VALIDATE CONSTRAINT`',
  async look(served) {
    const { rows } = await served.client.query<{ name: string; constraint: string }>(
      `SELECT conrelid::regclass::text AS name, quote_ident(conname) AS constraint FROM pg_constraint
       WHERE NOT convalidated AND conrelid = ANY ($1::oid[]) AND conparentid = 0
         AND coalesce((to_jsonb(pg_constraint) ->> 'conenforced')::boolean, true) ORDER BY 1, 2`,
      [oidsOf(served)],
    );
    return rows.map(({ name, constraint }) => ({
      severity: 'warning',
      problem: `constraint ${constraint} of table ${name} is NOT VALID`,
      mend: [sql(`ALTER TABLE ${name} VALIDATE CONSTRAINT ${constraint};`, OWNER)],
    }));
  },
};

/** Smaller tables need no statistics. */
const MANY_ROWS = 10_000;

const statistics: Check<Served> = {
  name: 'statistics',
  severities: ['note'],
  looksAt: 'tables that were never analyzed, and those with many dead rows',
  why: 'queries get bad plans, and read what is not there any more',
  mends: '`ANALYZE`, `VACUUM`',
  async look(served) {
    const { rows } = await served.client.query<{ name: string; never: boolean; dead: number }>(
      `SELECT relid::regclass::text AS name, n_dead_tup AS dead,
         last_analyze IS NULL AND last_autoanalyze IS NULL AND c.reltuples < 0 AS never
       FROM pg_stat_all_tables s JOIN pg_class c ON c.oid = s.relid
       WHERE relid = ANY ($1::oid[]) AND n_live_tup + n_dead_tup > ${MANY_ROWS}
         AND (n_dead_tup > greatest(n_live_tup, ${MANY_ROWS})
              OR last_analyze IS NULL AND last_autoanalyze IS NULL AND c.reltuples < 0) ORDER BY 1`,
      [oidsOf(served)],
    );
    return rows.map(({ name, never, dead }) => ({
      severity: 'note',
      problem: never ? `table ${name} was never analyzed` : `table ${name} has ${dead} dead rows`,
      mend: [sql(`${never ? 'ANALYZE' : 'VACUUM (ANALYZE)'} ${name};`, OWNER)],
    }));
  },
};

export const TABLE_CHECKS: readonly Check<Served>[] = [
  differing,
  missingSources,
  unlogged,
  disabled,
  unvalidated,
  statistics,
];
