/** Generic tests, as the YAML files of a dbt project name them. */
import { configOfFolder, type DbtConfig, evaluateConfig, mergeConfig } from './dbt-config.js';
import { type DbtEntry, placeOf } from './dbt-properties.js';
import type { DbtSettings } from './dbt-settings.js';
import { asList, asMap, asText, isYamlMap, type YamlMap, type YamlPath } from './dbt-yaml.js';
import type { DbtPlace } from './findings.js';

export interface TestUse {
  /** `not_null`, `dbt_utils.accepted_range` */
  readonly kind: string;
  readonly values: YamlMap;
  /** As the database has it. */
  readonly column?: string;
  readonly config: DbtConfig;
  readonly name?: string;
  readonly place: DbtPlace;
}

/** Keys that are configuration, wherever they stand. */
const CONFIG_KEYS: readonly string[] = [
  'severity',
  'where',
  'enabled',
  'limit',
  'error_if',
  'warn_if',
  'fail_calc',
  'store_failures',
  'store_failures_as',
  'tags',
  'meta',
];

/** Tests of a model, a seed or a table of a source. @param below the path of that in the entry */
export function listTestUses(
  entry: DbtEntry,
  settings: DbtSettings,
  below: YamlPath = [],
): TestUse[] {
  const owner = asMap(below.reduce<unknown>((value, part) => asMap2(value, part), entry.value));
  const uses = (value: YamlMap, path: YamlPath, column?: string) =>
    (['tests', 'data_tests'] as const).flatMap((key) =>
      asList(value[key]).flatMap((one, i) => {
        const place = placeOf(entry, [...path, key, i]);
        return toUse(one, place, settings, entry.yaml.file, column) ?? [];
      }),
    );
  const columns = asList(owner.columns).flatMap((one, i) => {
    const column = asMap(one);
    const name = columnOf(column);
    return name === undefined ? [] : uses(column, [...below, 'columns', i], name);
  });
  return [...uses(owner, below), ...columns];
}

function asMap2(value: unknown, part: string | number): unknown {
  return Array.isArray(value) ? value[Number(part)] : asMap(value)[part];
}

/** Without `quote: true`, PostgreSQL reads a name in small letters. */
export function columnOf(column: YamlMap): string | undefined {
  const name = asText(column.name);
  return column.quote === true ? name : name && foldName(name);
}

export function foldName(name: string): string {
  return /^".*"$/.test(name) ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
}

function toUse(
  written: unknown,
  place: DbtPlace,
  settings: DbtSettings,
  file: string,
  column: string | undefined,
): TestUse | undefined {
  const [first] = isYamlMap(written) ? Object.entries(written) : [];
  const isNamed = isYamlMap(written) && typeof written.test_name === 'string';
  const kind = isNamed
    ? String(written.test_name)
    : typeof written === 'string'
      ? written
      : first?.[0];
  if (kind === undefined) return undefined;
  const whole = isNamed ? written : asMap(first?.[1]);
  // Beside the test, where it is the only key with a value of its own.
  const beside =
    isYamlMap(written) && !isNamed ? Object.fromEntries(Object.entries(written).slice(1)) : {};
  const all: YamlMap = { ...beside, ...whole };
  const { name, config, arguments: inner, column_name: ownColumn, description, ...rest } = all;
  const isConfig = ([key]: readonly [string, unknown]) => CONFIG_KEYS.includes(key);
  const entries = Object.entries(rest).filter(([key]) => key !== 'test_name');
  const ofFolder = configOfFolder(settings, 'tests', file, Object.values(settings.paths).flat());
  const own = mergeConfig(Object.fromEntries(entries.filter(isConfig)), asMap(config));
  const columnName = column ?? (typeof ownColumn === 'string' ? foldName(ownColumn) : undefined);
  return {
    kind: kind.replace(/^dbt\./, ''),
    values: { ...Object.fromEntries(entries.filter((one) => !isConfig(one))), ...asMap(inner) },
    ...(columnName === undefined ? {} : { column: columnName }),
    config: mergeConfig(ofFolder, evaluateConfig(own, settings)),
    ...(typeof name === 'string' ? { name } : {}),
    place,
  };
}
