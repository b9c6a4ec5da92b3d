/** The user's request → the metric, its table, and its new column. */
import { EdpError } from '../../base/errors.js';
import {
  findNamedTable,
  type MetricsSource,
  type Model,
  physicalColumns,
  type Table,
} from '../../model/model.js';
import { columnName } from '../../model/schema.js';
import type { ColumnType } from '../../model/types.js';
import { REST_KEY } from '../../values/flatten.js';

export interface PromoteRequest {
  /** The key inside the JSON object. */
  readonly metric: string;
  readonly table: string | undefined;
  readonly column: string | undefined;
  readonly type: ColumnType | undefined;
  /** The column that keeps the metric, where a table has several. */
  readonly extraColumn: string | undefined;
}

export interface PromoteSubject {
  readonly metric: string;
  /** As the model declares it, before or after the metric is declared. */
  readonly table: Table;
  readonly source: MetricsSource;
  readonly column: string;
  readonly type: ColumnType;
  readonly isDeclared: boolean;
  /** The type with which it was promoted before, if that is another one. */
  readonly formerType?: ColumnType;
}

/** The choices with which an earlier promotion of the metric began. */
export interface BegunPromotion {
  readonly column: string;
  readonly type: ColumnType;
  readonly extraColumn: string;
}

/** @throws EdpError `usage` that says what to specify */
export function chooseTable(model: Model, { metric, table }: PromoteRequest): Table {
  const candidates = model.tables.filter(({ sources }) => sources.length > 0);
  const names = candidates.map(({ name }) => name).join(', ');
  if (metric === '' || metric === REST_KEY) {
    throw new EdpError('usage', `${JSON.stringify(metric)} is not a metric`, {
      hint: 'edp generate-report unknown_metrics lists what was kept beside the rows',
    });
  }
  if (table !== undefined) {
    const found = findNamedTable(model, table);
    if (found === undefined || found.sources.length === 0) {
      const what = found === undefined ? 'there is no table' : 'no metrics are flattened into';
      throw new EdpError('unknown_table', `${what} "${table}"`, {
        hint: names === '' ? 'no table of the model has metrics' : `tables with metrics: ${names}`,
      });
    }
    return found;
  }
  const declaring = candidates.filter(({ sources }) =>
    sources.some(({ metrics }) => metrics.some(({ key }) => key === metric)),
  );
  const [only, ...others] = declaring.length === 1 ? declaring : candidates;
  if (only === undefined || others.length > 0) {
    throw new EdpError(
      'usage',
      only === undefined ? 'no table of the model has metrics' : 'several tables have metrics',
      {
        hint:
          only === undefined
            ? 'declare a JSON field to flatten under `metrics` in edp.yaml'
            : `name one with --table: ${names}`,
      },
    );
  }
  return only;
}

/**
 * @param begun an earlier promotion of this metric, if there is one
 * @param typeOfValues for a metric that nothing is known of: that of its values
 * @throws EdpError `usage` where the request contradicts the model, or that promotion
 */
export function chooseColumn(
  table: Table,
  request: PromoteRequest,
  begun: BegunPromotion | undefined,
  typeOfValues: ColumnType,
): PromoteSubject {
  const { metric } = request;
  const extraColumn = request.extraColumn ?? begun?.extraColumn;
  const source = chooseSource(table, metric, extraColumn);
  const declared = source.metrics.find(({ key }) => key === metric);
  const known = declared ?? begun;
  const column = known?.column ?? request.column ?? metric;
  // A column that was promoted can be given another type; one that the user declared is the user's.
  const type =
    (begun === undefined ? known?.type : undefined) ?? request.type ?? known?.type ?? typeOfValues;
  const wanted = { '--column': [request.column, column], '--type': [request.type, type] } as const;
  for (const [option, [asked, is]] of Object.entries(wanted)) {
    if (asked === undefined || asked === is) continue;
    const where = declared === undefined ? 'its promotion was begun with' : 'the model says';
    throw new EdpError('usage', `${option} ${asked}: for metric "${metric}", ${where} ${is}`, {
      hint:
        option === '--type'
          ? `leave out --type, or change the type in edp.yaml`
          : `leave out ${option}`,
    });
  }
  const subject = {
    metric,
    table,
    source,
    column,
    type,
    isDeclared: declared !== undefined && declared.type === type,
    ...(begun === undefined || begun.type === type ? {} : { formerType: begun.type }),
  };
  if (declared === undefined) assertFree(subject);
  return subject;
}

export function chooseSource(table: Table, metric: string, extraColumn: string | undefined) {
  const declaring = table.sources.filter(({ metrics }) =>
    metrics.some(({ key }) => key === metric),
  );
  const candidates =
    extraColumn === undefined
      ? declaring.length === 1
        ? declaring
        : table.sources
      : table.sources.filter((source) => source.extraColumn === extraColumn);
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return only;
  const names = table.sources.map((source) => source.extraColumn).join(', ');
  throw new EdpError('usage', `which column of "${table.name}" keeps metric "${metric}"?`, {
    hint: `name it with --extra-column: ${names}`,
  });
}

function assertFree({ table, column }: PromoteSubject): void {
  const name = columnName.safeParse(column);
  if (!name.success) {
    throw new EdpError('usage', `metric "${column}" cannot be the name of a column`, {
      hint: `name the column with --column: ${name.error.issues[0]?.message}`,
    });
  }
  if (physicalColumns(table).some(({ name }) => name === column)) {
    throw new EdpError('usage', `table "${table.name}" has a column "${column}" already`, {
      hint: 'name another one with --column',
    });
  }
}

/** The table with the metric declared. */
export function withMetric({ table, source, metric, column, type }: PromoteSubject): Table {
  const isNew = source.metrics.every(({ key }) => key !== metric);
  const own = { column, key: metric, type };
  const metrics = isNew
    ? [...source.metrics, own]
    : source.metrics.map((each) => (each.key === metric ? { ...each, type } : each));
  return {
    ...table,
    sources: table.sources.map((each) => (each === source ? { ...each, metrics } : each)),
  };
}
