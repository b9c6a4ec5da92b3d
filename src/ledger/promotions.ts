/** Metrics that became columns after rows had been loaded without them (`edp promote`). */
import type pg from 'pg';
import { quoteIdentifier } from '../model/ddl.js';
import { physicalColumns, type Table } from '../model/model.js';
import type { TablePlace } from '../model/table-name.js';
import { COLUMN_TYPES, type ColumnType, SQL_TYPE } from '../model/types.js';

export interface Promotion {
  readonly column: string;
  /** The key inside the JSON object. */
  readonly metric: string;
  readonly extraColumn: string;
  readonly type: ColumnType;
}

/** Of a promotion that began before there was the table: whoever creates it gives it the column. */
export const BEFORE_TABLE = 0;

/**
 * Adds the columns of promotions that began before the table was created, in the transaction that creates it. What
 * is known of promotions in a former table of the name is dropped, where the role may do that.
 *
 * @param name of the table, qualified and quoted
 */
export async function addPromotedColumns(client: pg.Client, name: string): Promise<void> {
  const { rows } = await client.query<PromotionRow & { pass: number }>(
    `SELECT column_name, metric, extra_column, type, pass FROM edp.promotions p
     JOIN pg_class c ON c.relname = p.table_name JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = $1::regclass AND n.nspname = p.schema_name`,
    [name],
  );
  for (const { column_name: column, type, pass } of rows) {
    if (pass !== BEFORE_TABLE) continue;
    await client.query(
      `ALTER TABLE ${name} ADD COLUMN IF NOT EXISTS ${quoteIdentifier(column)} ${SQL_TYPE[toColumnType(type)]}`,
    );
  }
  if (rows.length === 0 || !(await mayWrite(client))) return;
  const ofTable = `(schema_name, table_name) = (SELECT n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::regclass)`;
  await client.query(`DELETE FROM edp.promotions WHERE pass <> ${BEFORE_TABLE} AND ${ofTable}`, [
    name,
  ]);
  await client.query(`UPDATE edp.promotions SET pass = 1 WHERE ${ofTable}`, [name]);
}

/** Gives the promotions of a table that was renamed its new name, unless another table has the former one. */
export async function movePromotions(
  client: pg.Client,
  from: TablePlace,
  to: TablePlace,
): Promise<void> {
  if ((await listPromotions(client, from)).length === 0 || !(await mayWrite(client))) return;
  await client.query(
    `UPDATE edp.promotions p SET schema_name = $3, table_name = $4
     WHERE schema_name = $1 AND table_name = $2
       AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                       WHERE n.nspname = $1 AND c.relname = $2)
       AND NOT EXISTS (SELECT FROM edp.promotions o
                       WHERE (o.schema_name, o.table_name, o.column_name) = ($3, $4, p.column_name))`,
    [from.schema, from.name, to.schema, to.name],
  );
}

async function mayWrite(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `SELECT has_table_privilege('edp.promotions', 'UPDATE')
       AND has_table_privilege('edp.promotions', 'DELETE') AS may`,
  );
  return rows[0]!.may;
}

function toColumnType(type: string): ColumnType {
  return COLUMN_TYPES.find((each) => each === type) ?? 'text';
}

/** What `edp.promotions.state` may be. */
export const PROMOTION_STATES = ['running', 'done'] as const;

interface PromotionRow {
  readonly column_name: string;
  readonly metric: string;
  readonly extra_column: string;
  readonly type: string;
}

/** Lists promotions in the order in which they began. */
export async function listPromotions(
  client: pg.Client,
  { schema, name }: TablePlace,
): Promise<Promotion[]> {
  const { rows } = await client.query<PromotionRow>(
    `SELECT column_name, metric, extra_column, type FROM edp.promotions
     WHERE schema_name = $1 AND table_name = $2 ORDER BY started_at, column_name`,
    [schema, name],
  );
  return rows.map((row) => ({
    column: row.column_name,
    metric: row.metric,
    extraColumn: row.extra_column,
    type: toColumnType(row.type),
  }));
}

/**
 * Promoted metrics that a model does not declare: it is older than the promotion, or of another
 * project.
 */
export function unknownPromotions(table: Table, promotions: readonly Promotion[]): Promotion[] {
  const columns = new Set(physicalColumns(table).map(({ name }) => name));
  return promotions.filter(
    ({ column, metric, extraColumn }) =>
      !columns.has(column) &&
      table.sources.some(
        (source) =>
          source.extraColumn === extraColumn && !source.metrics.some(({ key }) => key === metric),
      ),
  );
}

/** The table with these metrics declared. */
export function withPromotions(table: Table, promotions: readonly Promotion[]): Table {
  const unknown = unknownPromotions(table, promotions);
  if (unknown.length === 0) return table;
  return {
    ...table,
    sources: table.sources.map((source) => ({
      ...source,
      metrics: [
        ...source.metrics,
        ...unknown
          .filter(({ extraColumn }) => extraColumn === source.extraColumn)
          .map(({ metric, column, type }) => ({ key: metric, column, type })),
      ],
    })),
  };
}
