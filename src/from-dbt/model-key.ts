/** The key of a model, as far as its configuration and its tests tell. */
import { type DbtConfig, isEnabled } from './dbt-config.js';
import type { DbtNode, DbtProject } from './dbt-nodes.js';
import { asList, asMap, asTexts } from './dbt-yaml.js';
import { columnOf, foldName, listTestUses, type TestUse } from './test-uses.js';

/**
 * @param columns that its SQL gives; undefined where the text does not say them all
 * @returns undefined where nothing names a key that the SQL gives
 */
export function findKey(
  { settings }: DbtProject,
  { entry }: DbtNode,
  config: DbtConfig,
  columns: readonly string[] | undefined,
): readonly string[] | undefined {
  const uses = entry === undefined ? [] : listTestUses(entry, settings).filter(isStrict);
  const candidates = [
    ofConfig(config),
    ofConstraints(entry?.value.constraints),
    ...asList(entry?.value.columns).map((column) => ofColumnConstraints(asMap(column))),
    ...ofTests(uses),
  ];
  return candidates.find(
    (key) => key.length > 0 && key.every((column) => columns?.includes(column) !== false),
  );
}

function isStrict({ config }: TestUse): boolean {
  const isError = config.severity === undefined || /^error$/i.test(String(config.severity));
  return isEnabled(config) && isError && config.where === undefined;
}

function ofConfig({ unique_key: key }: DbtConfig): readonly string[] {
  const names = asTexts(key)
    .flatMap((text) => text.split(','))
    .map((name) => name.trim());
  return names.every((name) => /^(?:\w+|"[^"]+")$/.test(name)) ? names.map(foldName) : [];
}

function ofConstraints(constraints: unknown): readonly string[] {
  const found = asList(constraints)
    .map(asMap)
    .find(({ type }) => type === 'primary_key');
  return asTexts(found?.columns).map(foldName);
}

function ofColumnConstraints(column: Readonly<Record<string, unknown>>): readonly string[] {
  const isKey = asList(column.constraints)
    .map(asMap)
    .some(({ type }) => type === 'primary_key');
  const name = columnOf(column);
  return isKey && name !== undefined ? [name] : [];
}

/** No column of a key may be NULL, and a test for uniqueness alone lets that pass. */
function ofTests(uses: readonly TestUse[]): (readonly string[])[] {
  const isOf = (kind: RegExp) => uses.filter((use) => kind.test(use.kind));
  const filled = new Set(
    isOf(/(?:^|\.expect_column_values_to_)not_(?:be_)?null$/).map(({ column }) => column),
  );
  const singles = isOf(/^unique$|_values_to_be_unique$/).map(({ column }) =>
    column === undefined ? [] : [column],
  );
  const combined = isOf(
    /\.(?:unique_combination_of_columns|expect_compound_columns_to_be_unique)$/,
  ).map(({ values }) => asTexts(values.combination_of_columns ?? values.column_list).map(foldName));
  return [...singles, ...combined].filter((key) => key.every((column) => filled.has(column)));
}
