import { toCamelCase } from '../base/camel-case.js';
import { EdpError } from '../base/errors.js';
import { shownValue } from '../base/hidden-values.js';
import { nearest } from '../base/nearest.js';
import { CSV_SETTING_NAMES, type CsvSettings } from '../model/csv-settings.js';
import type { FileSettings, Format } from '../model/file-settings.js';
import {
  environmentName,
  flagOf,
  OPTIONS,
  type OptionName,
  type OptionValues,
} from './option-definitions.js';
import type { OptionDefinition } from './option-kinds.js';

/** Options that may be lists. Of any other option that is given twice, the last value counts. */
const LISTS: ReadonlySet<OptionName> = new Set([
  'param',
  'columns',
  'key',
  'schema',
  'task',
  'metrics',
]);

/**
 * The frozen values of the named options, each from its strongest source.
 *
 * @param given values of the command line, by flag; undefined for a flag that was not given
 * @param project options of edp.yaml, by option name
 * @throws EdpError `usage` that lists every fault
 */
export function resolveOptions<N extends OptionName>(
  names: readonly N[],
  given: Readonly<Record<string, unknown>>,
  project: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): OptionValues<N> {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const name of names) {
    const definition: OptionDefinition<unknown> = OPTIONS[name];
    const fromEnvironment = environment[environmentName(name)];
    const flag = flagOf(name);
    const [source, raw] =
      given[flag] !== undefined
        ? [`--${flag}`, given[flag]]
        : fromEnvironment !== undefined && fromEnvironment !== ''
          ? [environmentName(name), fromEnvironment]
          : [`${name} in edp.yaml`, project[name]];
    if (raw === undefined) {
      values[toCamelCase(name)] = definition.default;
      continue;
    }
    const parsed = definition.schema.safeParse(
      Array.isArray(raw) && !LISTS.has(name) ? raw.at(-1) : raw,
    );
    if (parsed.success) values[toCamelCase(name)] = parsed.data;
    else {
      const why = parsed.error.issues.map((i) => i.message).join('; ');
      const got =
        definition.isSecret === true
          ? ''
          : ` (got ${JSON.stringify(shownValue(raw))}${meant(raw, definition)})`;
      faults.push(`${source}: ${why}${got}`);
    }
  }
  if (faults.length > 0) {
    // The command line adds the hint, because it knows the command.
    throw new EdpError('usage', faults.join('\n'));
  }
  return Object.freeze(values) as OptionValues<N>;
}

function meant(raw: unknown, { choices = [] }: OptionDefinition<unknown>): string {
  const found = nearest(String(raw), choices);
  return found === undefined ? '' : `; did you mean ${JSON.stringify(found)}?`;
}

/**
 * The CSV settings that a user specified. In order of precedence: the command line, the environment, a
 * table of edp.yaml, the `csv:` section of edp.yaml, its options.
 *
 * @param project options of edp.yaml, and those of its `csv:` section
 * @returns a function from a table, or undefined for none, to the settings of its files
 * @throws EdpError `usage` that lists every fault
 */
export function resolveCsvSettings(
  given: Readonly<Record<string, unknown>>,
  project: {
    readonly options: Readonly<Record<string, unknown>>;
    readonly csv: Readonly<Record<string, unknown>>;
  },
  environment: Readonly<Record<string, string | undefined>> = process.env,
): (table?: { readonly csv?: CsvSettings }) => CsvSettings {
  const specified = withoutUndefined(resolveOptions(CSV_SETTING_NAMES, given, {}, environment));
  const general = withoutUndefined(
    resolveOptions(CSV_SETTING_NAMES, {}, { ...project.options, ...project.csv }, {}),
  );
  return (table) => ({ ...general, ...table?.csv, ...specified }) as CsvSettings;
}

/** Options that apply to files of any format. */
const TEXT_OPTION_NAMES = ['encoding', 'compression'] as const;

/**
 * The settings that a user specified for files of any format. A `csv:` section is for CSV files only.
 *
 * @param project as for {@link resolveCsvSettings}
 * @returns a function from a table, or undefined for none, to the settings of its files
 * @throws EdpError `usage` that lists every fault, or names options that contradict each other
 */
export function resolveFileSettings(
  given: Readonly<Record<string, unknown>>,
  project: Parameters<typeof resolveCsvSettings>[1],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): (table?: { readonly csv?: CsvSettings; readonly format?: Format }) => FileSettings {
  const csvFor = resolveCsvSettings(given, project, environment);
  const names = ['input-format', ...TEXT_OPTION_NAMES] as const;
  const { inputFormat: specified, ...text } = resolveOptions(names, given, {}, environment);
  const { inputFormat: usual, ...usualText } = resolveOptions(names, {}, project.options, {});
  const csvFlags = CSV_SETTING_NAMES.filter(
    (name) => !(TEXT_OPTION_NAMES as readonly string[]).includes(name) && given[name] !== undefined,
  ).map((name) => `--${name}`);
  if (specified !== undefined && specified !== 'csv' && given.format === specified) {
    assertNoCsvFlag(specified, csvFlags);
  }
  const ownText = { ...withoutUndefined(usualText), ...withoutUndefined(text) };
  return (table) => {
    const format = specified ?? table?.format ?? usual;
    return {
      ...(format === undefined ? {} : { format }),
      csv: csvFor(table),
      text: ownText,
      ...(csvFlags.length === 0 ? {} : { csvFlags }),
    };
  };
}

function assertNoCsvFlag(format: Format, flags: readonly string[]): void {
  if (flags.length === 0) return;
  throw new EdpError('usage', `${flags.join(', ')} and --format ${format} exclude each other`, {
    hint: 'only CSV has such settings; omit one of the options',
  });
}

function withoutUndefined<T extends object>(settings: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}
