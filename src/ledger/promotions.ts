/** Metrics that became columns after rows had been loaded without them (`edp promote`). */
import type pg from 'pg';
import { physicalColumns, type Table } from '../model/model.js';
import { COLUMN_TYPES, type ColumnType } from '../model/types.js';

export interface Promotion {
  readonly column: string;
  /** The key inside the JSON object. */
  readonly metric: string;
  readonly extraColumn: string;
  readonly type: ColumnType;
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
export async function listPromotions(client: pg.Client, table: string): Promise<Promotion[]> {
  const { rows } = await client.query<PromotionRow>(
    `SELECT column_name, metric, extra_column, type FROM edp.promotions
     WHERE table_name = $1 ORDER BY started_at, column_name`,
    [table],
  );
  return rows.map((row) => ({
    column: row.column_name,
    metric: row.metric,
    extraColumn: row.extra_column,
    type: COLUMN_TYPES.find((type) => type === row.type) ?? 'text',
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
