/**
 * The SQL that a report can get from the model, in psql's raw form `:name`, so that a metric which
 * a project declares, or promotes later, is in the report. The text comes from the model alone,
 * never from the user of the report, and every name in it is quoted.
 *
 * - `:metric_values` → `('metric_one', f."metric_one"::numeric), …`, for
 *   `CROSS JOIN LATERAL (VALUES :metric_values) AS m(metric, value)`
 * - `:metric_sums` → `sum(f."metric_one") AS "metric_one", …`, for a SELECT list
 * - `:declared_metrics` → `'{"events": ["metric_one", …]}'::jsonb`, the JSON keys of every table's
 *   declared metrics
 *
 * The first two are about the fact table `events`, which the report calls `f`.
 */
import { EdpError } from '../base/errors.js';
import { quoteIdentifier, quoteLiteral } from '../model/ddl.js';
import { findTable, type Model } from '../model/model.js';
import { parseTableName } from '../model/table-name.js';
import type { ColumnType } from '../model/types.js';

export const MODEL_VARIABLES = ['metric_values', 'metric_sums', 'declared_metrics'] as const;

export type ModelVariable = (typeof MODEL_VARIABLES)[number];

export function isModelVariable(name: string): name is ModelVariable {
  return (MODEL_VARIABLES as readonly string[]).includes(name);
}

/** The model has nothing to insert: the report is for other models. */
export class LacksMetrics extends EdpError {}

const FACT_TABLE = 'events';
const FACT_ALIAS = 'f';

/** Only metrics that can be summed. */
const NUMBER_TYPES: ReadonlySet<ColumnType> = new Set([
  'smallint',
  'int',
  'bigint',
  'real',
  'double',
  'numeric',
]);

/**
 * SQL without a line break, so that the lines of a report stay where they are.
 *
 * @param place `file:line` where the report uses it
 * @throws EdpError `report_failed` if the model has nothing to insert there
 */
export function expandModelVariable(variable: ModelVariable, model: Model, place: string): string {
  switch (variable) {
    case 'metric_values':
      return metricColumns(model, place)
        .map((name) => `(${quoteLiteral(name)}, ${factColumn(name)}::numeric)`)
        .join(', ');
    case 'metric_sums':
      return metricColumns(model, place)
        .map((name) => `sum(${factColumn(name)}) AS ${quoteIdentifier(name)}`)
        .join(', ');
    case 'declared_metrics':
      return `${quoteLiteral(JSON.stringify(declaredMetrics(model)))}::jsonb`;
  }
}

function factColumn(name: string): string {
  return `${FACT_ALIAS}.${quoteIdentifier(name)}`;
}

function metricColumns(model: Model, place: string): string[] {
  const table = findTable(model, FACT_TABLE);
  if (table === undefined) {
    throw new LacksMetrics(
      'report_failed',
      `the report needs a table "${FACT_TABLE}" in the model`,
      {
        place,
        hint: `declare it in edp.yaml, or write a report of your own over: ${model.tables.map((t) => t.name).join(', ')}`,
      },
    );
  }
  const columns = table.sources
    .flatMap((source) => source.metrics)
    .filter((metric) => NUMBER_TYPES.has(metric.type))
    .map((metric) => metric.column);
  if (columns.length === 0) {
    throw new LacksMetrics(
      'report_failed',
      `the report needs metrics, and table "${FACT_TABLE}" declares none that are numbers`,
      { place, hint: `declare them in edp.yaml under tables, ${FACT_TABLE}, metrics` },
    );
  }
  return columns;
}

/** With its schema where edp.yaml has one; reports join the parts, without quotes. */
function nameInReports(text: string): string {
  const { schema, name } = parseTableName(text);
  return schema === undefined ? name : `${schema}.${name}`;
}

function declaredMetrics(model: Model): Record<string, string[]> {
  return Object.fromEntries(
    model.tables.map((table) => [
      nameInReports(table.name),
      table.sources.flatMap((source) => source.metrics.map((metric) => metric.key)),
    ]),
  );
}
