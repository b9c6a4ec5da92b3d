/**
 * The indexes of a table and their constraints, dropped for a bulk load and built again behind it.
 * Building an index from all rows costs a fraction of maintaining it row by row
 * (docs/performance.md has measurements), and PostgreSQL builds it in parallel.
 *
 * Both happen in the transaction of the load: no other session ever sees the table without them,
 * and a run that dies leaves the table as it was.
 */
import type pg from 'pg';
import { failpoint } from '../base/failpoints.js';
import { quoteIdentifier } from '../model/ddl.js';

export interface IndexPlan {
  readonly drop: readonly string[];
  readonly build: readonly string[];
  /** The definitions that must exist again afterwards, character by character. */
  readonly definitions: readonly string[];
}

/** A table may already have this size: building indexes over its rows costs almost nothing. */
const SMALL_TABLE_BYTES = 1024 * 1024;

/** Blocks, 3 MB: the server gives an index a second process from here on, and a third one at three times as many. */
const PARALLEL_FROM = 384;

/** Each partition and each of its indexes is locked until the end of the load. */
const MAX_PARTITIONS = 500;

interface IndexRow {
  readonly name: string;
  readonly schema: string;
  readonly definition: string;
  readonly constraint_name: string | null;
  readonly constraint_definition: string | null;
  /** Whether its definition says everything about it. */
  readonly is_plain: boolean;
}

/**
 * @param table schema-qualified and quoted
 * @returns undefined where the indexes must stay: the table holds rows already, belongs to another
 *   role, is referred to, is part of something larger, or has an index whose definition does not
 *   say everything about it
 */
export async function planIndexes(
  client: pg.Client,
  table: string,
): Promise<IndexPlan | undefined> {
  const { rows: tables } = await client.query<{ is_fit: boolean }>(
    `WITH tree AS (SELECT $1::regclass AS relid, true AS isleaf WHERE NOT EXISTS (SELECT FROM pg_partition_tree($1::regclass))
                   UNION ALL SELECT relid, isleaf FROM pg_partition_tree($1::regclass))
     SELECT bool_and(
              c.relkind IN ('r', 'p') AND c.relreplident <> 'i' AND NOT c.relrowsecurity AND c.relpersistence = 'p'
              AND pg_has_role(c.relowner, 'USAGE')
              AND (c.relkind = 'p' OR NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid))
              AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.confrelid = c.oid)
              AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal)
              AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = c.oid)
              -- Its own indexes would stay, and cost what they cost.
              AND (c.oid = $1::regclass OR NOT EXISTS (
                SELECT FROM pg_index i WHERE i.indrelid = c.oid
                AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid))))
            AND NOT bool_or(c.oid = $1::regclass AND (c.relispartition
                            OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid)))
            AND sum(pg_relation_size(c.oid)) <= ${SMALL_TABLE_BYTES}
            AND count(*) <= ${MAX_PARTITIONS} AS is_fit
     FROM tree JOIN pg_class c ON c.oid = tree.relid`,
    [table],
  );
  if (tables[0]?.is_fit !== true) return undefined;
  const indexes = await listIndexes(client, table);
  if (indexes.length === 0 || indexes.some(({ is_plain }) => !is_plain)) return undefined;
  return {
    drop: indexes.map(({ name, schema, constraint_name }) =>
      constraint_name === null
        ? `DROP INDEX ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
        : `ALTER TABLE ${table} DROP CONSTRAINT ${quoteIdentifier(constraint_name)}`,
    ),
    build: indexes.map(({ definition, constraint_name, constraint_definition }) =>
      constraint_name === null
        ? // Of a partitioned table, that is how the server writes it: without its partitions.
          definition.replace(' ON ONLY ', ' ON ')
        : `ALTER TABLE ${table} ADD CONSTRAINT ${quoteIdentifier(constraint_name)} ${constraint_definition}`,
    ),
    definitions: indexes.map(describe),
  };
}

/** @throws Error where the table does not have the same definitions as before */
export async function buildIndexes(
  client: pg.Client,
  table: string,
  plan: IndexPlan,
): Promise<void> {
  // Partitions are smaller than the tables that the server has this limit for.
  await client.query(
    `SELECT set_config(name, least(setting::int, ${PARALLEL_FROM})::text, true) FROM pg_settings
     WHERE name = 'min_parallel_table_scan_size'`,
  );
  for (const statement of plan.build) {
    await client.query(statement);
    await failpoint('bulk.index_built', client);
  }
  const now = (await listIndexes(client, table)).map(describe);
  if (now.join('\n') !== plan.definitions.join('\n')) {
    throw new Error(`the indexes of ${table} could not be built again as they were`);
  }
}

function describe({ definition, constraint_name, constraint_definition }: IndexRow): string {
  return `${definition}; ${constraint_name ?? ''} ${constraint_definition ?? ''}`;
}

async function listIndexes(client: pg.Client, table: string): Promise<IndexRow[]> {
  const { rows } = await client.query<IndexRow>(
    `SELECT c.relname AS name, n.nspname AS schema, pg_get_indexdef(i.indexrelid) AS definition,
            k.conname AS constraint_name, pg_get_constraintdef(k.oid) AS constraint_definition,
            i.indisvalid AND i.indisready AND NOT i.indisclustered AND i.indimmediate
              AND i.indexprs IS NULL AND c.reltablespace = 0 AND NOT i.indisexclusion
              AND (k.oid IS NULL OR (k.contype IN ('p', 'u') AND c.reloptions IS NULL
                                     AND NOT k.condeferrable))
              AND obj_description(c.oid, 'pg_class') IS NULL
              AND (k.oid IS NULL OR obj_description(k.oid, 'pg_constraint') IS NULL)
              AND NOT EXISTS (SELECT FROM pg_statistic_ext WHERE stxrelid = i.indrelid) AS is_plain
     FROM pg_index i
     JOIN pg_class c ON c.oid = i.indexrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid
     WHERE i.indrelid = $1::regclass ORDER BY k.contype IS DISTINCT FROM 'p', c.relname`,
    [table],
  );
  return rows;
}
