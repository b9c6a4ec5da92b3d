/** What `edp_capture.publish` asks of its caller: a table of the model, and its key as events write it. */
import { quoteLiteral } from '../model/ddl.js';
import type { Model } from '../model/model.js';
import type { ColumnType } from '../model/types.js';
import type { PublishedTable } from './plan.js';

/** Types that JSON has for values of a type; others are strings. */
const JSON_TYPES: Partial<Record<ColumnType, string>> = {
  smallint: 'number',
  int: 'number',
  real: 'number or string',
  double: 'number or string',
  boolean: 'boolean',
};

export function publishedTables(model: Model): PublishedTable[] {
  return model.tables
    .filter(({ key }) => key.length > 0)
    .map(({ name, version = 1, key, columns }) => ({
      name,
      version,
      key: Object.fromEntries(
        key.map((one) => {
          const { type } = columns.find((column) => column.name === one)!;
          return [one, JSON_TYPES[type] ?? 'string'];
        }),
      ),
    }));
}

export const PUBLISHED_KEY = 'published_key';

/** @returns the function, by which `publish` finds a table */
export function publishedKeyFunction(tables: readonly PublishedTable[]): string {
  const known = Object.fromEntries(
    tables.map(({ name, version, key }) => [name, { version, key }]),
  );
  return `CREATE OR REPLACE FUNCTION edp_capture.${PUBLISHED_KEY}(text) RETURNS json LANGUAGE sql IMMUTABLE AS $edp$
SELECT ${quoteLiteral(JSON.stringify(known))}::json -> $1
$edp$`;
}
