/**
 * Every option of every command, once: its meaning, its check, its default.
 *
 * A value comes from the command line, else from the environment (`EDP_` and the name in capitals),
 * else from edp.yaml (the name as a top-level key), else it is the default.
 */

import os from 'node:os';
import { z } from 'zod';
import { toCamelCase } from '../base/camel-case.js';
import { EdpError } from '../base/errors.js';
import { type Choices, explainWords, joinWords, wordsOf } from '../model/choices.js';
import {
  CSV_CHOICES,
  CSV_DESCRIPTIONS,
  CSV_SCHEMAS,
  CSV_SETTING_NAMES,
  type CsvSettingName,
  type CsvSettings,
  RAGGED,
} from '../model/csv-settings.js';
import { type FileSettings, type Format, INPUT_FORMAT_CHOICES } from '../model/file-settings.js';
import {
  MISSING_DIMENSIONS_CHOICES,
  ON_CONFLICT_CHOICES,
  ON_NEW_COLUMN_CHOICES,
  type RejectLimit,
} from '../model/load-rules.js';
import { identifier } from '../model/schema.js';
import { type ColumnType, PROMOTED_TYPES } from '../model/types.js';
import { FORMAT_CHOICES } from '../report/format/report-format.js';

interface OptionDefinition<T> {
  readonly schema: z.ZodType<T>;
  readonly describe: string;
  /** The same without the words of its list, where `describe` explains them. */
  readonly summary?: string;
  readonly default?: T;
  /** Shown in help instead of the default, where the default is computed. */
  readonly defaultDescription?: string;
  readonly isFlag?: boolean;
  readonly alias?: string;
  /** Where nothing but these words is a value. */
  readonly choices?: readonly string[];
  /** What the words of its list mean; some of these options take other words for the same, too. */
  readonly meanings?: Choices;
  /** What it is called on the command line, where that is not its name. */
  readonly flag?: string;
}

function define<T>(definition: OptionDefinition<T>): OptionDefinition<T> {
  return definition;
}

const flag = (describe: string, alias?: string) =>
  define<boolean>({
    schema: z.stringbool().or(z.boolean()),
    describe,
    default: false,
    isFlag: true,
    alias,
  });

/** One word of a list, whose first word is the default. */
function choice<T extends string>(meanings: Choices<T>, summary: string) {
  const choices = wordsOf(meanings);
  return define<T>({
    schema: z.enum(choices, { error: `expected ${joinWords(choices)}` }),
    summary,
    describe: `${summary}: ${explainWords(meanings)}`,
    default: choices[0],
    choices,
    meanings,
  });
}

/** One word of a list, without a default. */
function optionalChoice<T extends string>(
  meanings: Choices<T>,
  summary: string,
  defaultDescription: string,
) {
  const { schema, ...option } = choice(meanings, summary);
  return define<T | undefined>({
    ...option,
    schema: schema.optional(),
    default: undefined,
    defaultDescription,
  });
}

/** A number, or the text of one; but not what JavaScript makes a number of besides. */
const numeric = (error: string) =>
  z
    .union([z.number(), z.string().regex(/^\s*[-+]?\d[\d.eE+-]*\s*$/, error)], { error })
    .pipe(z.coerce.number({ error }));

const integerFrom = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
  numeric('expected a whole number').pipe(
    z
      .number({ error: 'expected a whole number' })
      .int('expected a whole number')
      .min(minimum, `expected ${minimum} or more`)
      .max(maximum, `expected ${maximum} at most`),
  );

const share = numeric('expected a number from 0 to 1').pipe(
  z.number().min(0, 'expected a number from 0 to 1').max(1, 'expected a number from 0 to 1'),
);

const rejectLimit = z.union([z.string(), z.number()]).transform((value, context): RejectLimit => {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(String(value).trim());
  if (match === null || (match[2] === '' && match[1]?.includes('.'))) {
    context.addIssue('expected a count such as 100, or a share such as 1%');
    return z.NEVER;
  }
  return match[2] === '%' ? { percent: Number(match[1]) } : { count: Number(match[1]) };
});

/** Something about the form of a CSV file; without a default, since what is not specified is detected. */
function csv<N extends CsvSettingName>(name: N, defaultDescription = 'detected') {
  const schema = CSV_SCHEMAS[name];
  return define<z.output<(typeof CSV_SCHEMAS)[N]> | undefined>({
    schema: schema.optional() as z.ZodType<z.output<(typeof CSV_SCHEMAS)[N]> | undefined>,
    describe: CSV_DESCRIPTIONS[name],
    defaultDescription,
    isFlag: name === 'header',
    choices: schema instanceof z.ZodEnum ? (schema.options as string[]) : undefined,
    meanings: (CSV_CHOICES as Readonly<Record<string, Choices>>)[name],
  });
}

/** Numbers count as text, since a table may be called 2024. */
const text = z.union([z.string(), z.number().transform(String)]);

export const OPTIONS = {
  'database-url': define<string | undefined>({
    schema: text.optional(),
    describe: 'PostgreSQL to use, as postgresql://user:password@host:port/database',
    defaultDescription: 'DATABASE_URL, PG*, POSTGRES_USER, else the embedded server',
  }),
  json: flag('Print exactly one JSON object on stdout, all else on stderr'),
  verbose: flag('Show stack traces and the statements behind an error'),
  'process-count': define<number>({
    schema: integerFrom(1, 256),
    describe: 'Workers that read, parse and write at the same time',
    default: os.availableParallelism(),
    defaultDescription: 'the CPUs',
  }),
  'read-batch-size': define<number>({
    schema: integerFrom(1),
    describe: 'Records one worker takes at a time: the size of a split, about',
    default: 100_000,
  }),
  'write-batch-size': define<number>({
    schema: integerFrom(1),
    describe: 'Rows sent to the server in one write of a COPY',
    default: 10_000,
  }),
  table: define<string | undefined>({
    schema: text.optional(),
    describe: 'Table it is about',
    defaultDescription: "by each file's name; to promote, the only one with metrics",
  }),
  'input-format': {
    ...optionalChoice(
      INPUT_FORMAT_CHOICES,
      'What the records of the files are',
      "by each file's name, else by its first lines",
    ),
    // In edp.yaml, `format` is that of reports.
    flag: 'format',
  },
  delimiter: csv('delimiter'),
  quote: csv('quote'),
  escape: csv('escape'),
  'line-end': csv('line-end'),
  encoding: csv('encoding'),
  compression: csv('compression'),
  header: csv('header'),
  columns: csv('columns'),
  'skip-lines': csv('skip-lines'),
  'skip-footer': csv('skip-footer', 'none'),
  comment: csv('comment'),
  ragged: csv('ragged', RAGGED[0]),
  'on-conflict': choice(
    ON_CONFLICT_CHOICES,
    'What to do with a record whose key is in the table with other values',
  ),
  'missing-dimensions': choice(
    MISSING_DIMENSIONS_CHOICES,
    'What to do with a reference to a dimension member that does not exist',
  ),
  'on-new-column': optionalChoice(
    ON_NEW_COLUMN_CHOICES,
    'What to do with fields that the table has no column for',
    'reject; keep where the table declares extra',
  ),
  'max-rejects': define<RejectLimit | undefined>({
    schema: rejectLimit.optional(),
    describe: 'Stop the run at more rejects than this: a count, or a share such as 1%',
    defaultDescription: 'no limit',
  }),
  force: flag('Load a file even though its content is known'),
  'dry-run': flag(
    'Try the whole load against the real table, and write nothing: the same counts and rejects',
  ),
  yes: flag('Do not ask for confirmation'),
  dir: define<string>({
    schema: text,
    describe: 'Directory with first_dimensions.csv and second_dimensions.csv',
    default: 'data',
  }),
  files: define<number>({
    schema: integerFrom(1, 100_000),
    describe: 'Files to write',
    default: 8,
  }),
  count: define<number>({
    schema: integerFrom(0),
    describe: 'Events to generate, in all files together',
    default: 1_000_000,
  }),
  seed: define<number>({
    schema: integerFrom(0, 2 ** 31 - 1),
    describe: 'Seed: the same seed gives the same bytes on every machine',
    default: 1,
  }),
  'first-id': define<number>({
    schema: integerFrom(0),
    describe: 'Id of the first event',
    default: 1,
  }),
  out: define<string | undefined>({
    schema: text.optional(),
    describe: 'Where to write',
  }),
  dirty: define<number>({
    schema: share,
    describe: 'Share of records to damage in realistic ways, 0 to 1',
    default: 0,
  }),
  'unknown-metrics': define<number>({
    schema: share,
    describe: 'Share of records with a metric nobody declared, 0 to 1',
    default: 0,
  }),
  list: flag('List the reports there are'),
  from: define<string | undefined>({
    schema: text.optional(),
    describe: 'Start of the time range, inclusive, such as 2024-01-31 or 2024-01-31T06:00',
  }),
  to: define<string | undefined>({
    schema: text.optional(),
    describe: 'End of the time range, exclusive',
  }),
  format: choice(FORMAT_CHOICES, 'Output format of the report'),
  'safe-cells': flag(
    'In CSV, put an apostrophe before text that a spreadsheet would run as a formula',
  ),
  param: define<readonly string[]>({
    schema: z.union([z.array(text), text.transform((one) => [one])]),
    describe: 'A parameter of the report, as name=value; may be repeated',
    default: [],
  }),
  type: define<ColumnType | undefined>({
    schema: z
      .enum(PROMOTED_TYPES, { error: `expected one of ${PROMOTED_TYPES.join(', ')}` })
      .optional(),
    describe: 'Type of the new column',
    defaultDescription: 'int',
    choices: PROMOTED_TYPES,
  }),
  column: define<string | undefined>({
    schema: text.pipe(identifier).optional(),
    describe: 'Name of the new column',
    defaultDescription: "the metric's name",
  }),
  'extra-column': define<string | undefined>({
    schema: text.optional(),
    describe: 'Column that keeps the metric, where a table flattens several JSON fields',
  }),
  whole: flag('Look at all of a file, however large; without it, at a sample of one over 64 MB'),
  create: flag(
    'Make a table for files that have none, with types from all their records, and declare it in edp.yaml',
  ),
  raw: flag(
    'Print the rejected records byte for byte, as a file like theirs: a CSV with its header',
  ),
  limit: define<number>({
    schema: integerFrom(1),
    describe: 'How many to show at the most',
    default: 20,
  }),
} as const;

export type OptionName = keyof typeof OPTIONS;

type ValueOf<N extends OptionName> =
  (typeof OPTIONS)[N] extends OptionDefinition<infer T> ? T : never;

type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

export type OptionValues<N extends OptionName> = {
  readonly [K in N as CamelCase<K>]: ValueOf<K>;
};

/** Options about how files are written. */
export const FILE_OPTION_NAMES = ['input-format', ...CSV_SETTING_NAMES] as const;

/** All options of a command. */
export function optionsOf({
  options,
  takesFileSettings,
}: {
  readonly options: readonly OptionName[];
  readonly takesFileSettings?: boolean;
}): readonly OptionName[] {
  return takesFileSettings === true ? [...options, ...FILE_OPTION_NAMES] : options;
}

/** What an option is called on the command line. */
export function flagOf(option: OptionName): string {
  const { flag = option }: OptionDefinition<unknown> = OPTIONS[option];
  return flag;
}

export function environmentName(option: OptionName): string {
  return `EDP_${option.replaceAll('-', '_').toUpperCase()}`;
}

/** Options that may be lists. Any other that is given twice has the value given last. */
const LISTS: ReadonlySet<OptionName> = new Set(['param', 'columns']);

/**
 * The frozen values of the named options, each from its strongest source.
 *
 * @param given what the command line said, by the name of its flag; undefined where it said nothing
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
    else
      faults.push(
        `${source}: ${parsed.error.issues.map((i) => i.message).join('; ')} (got ${JSON.stringify(raw)})`,
      );
  }
  if (faults.length > 0) {
    throw new EdpError('usage', faults.join('\n'), {
      hint: 'edp <command> --help lists the options',
    });
  }
  return Object.freeze(values) as OptionValues<N>;
}

/**
 * What was said of the form of CSV files, by the strength of who said it: the command line, the
 * environment, a table of edp.yaml, its `csv:` section, its options.
 *
 * @param project options of edp.yaml, and those of its `csv:` section
 * @returns what holds for the files of a table, or of none
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
  const told = withoutUnsaid(resolveOptions(CSV_SETTING_NAMES, given, {}, environment));
  const general = withoutUnsaid(
    resolveOptions(CSV_SETTING_NAMES, {}, { ...project.options, ...project.csv }, {}),
  );
  return (table) => ({ ...general, ...table?.csv, ...told }) as CsvSettings;
}

/** Options that hold for any text. */
const TEXT_OPTION_NAMES = ['encoding', 'compression'] as const;

/**
 * What was said of files, of whatever format. A `csv:` section is about CSV files alone.
 *
 * @param project as for {@link resolveCsvSettings}
 * @returns what holds for the files of a table, or of none
 * @throws EdpError `usage` that lists every fault, or names options that contradict each other
 */
export function resolveFileSettings(
  given: Readonly<Record<string, unknown>>,
  project: Parameters<typeof resolveCsvSettings>[1],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): (table?: { readonly csv?: CsvSettings; readonly format?: Format }) => FileSettings {
  const csvFor = resolveCsvSettings(given, project, environment);
  const names = ['input-format', ...TEXT_OPTION_NAMES] as const;
  const { inputFormat: said, ...text } = resolveOptions(names, given, {}, environment);
  const { inputFormat: usual, ...usualText } = resolveOptions(names, {}, project.options, {});
  if (given.format === 'jsonl') assertNoCsvOption(given);
  const jsonl = { ...withoutUnsaid(usualText), ...withoutUnsaid(text) };
  return (table) => {
    const format = said ?? table?.format ?? usual;
    return { ...(format === undefined ? {} : { format }), csv: csvFor(table), jsonl };
  };
}

function assertNoCsvOption(given: Readonly<Record<string, unknown>>): void {
  const others = CSV_SETTING_NAMES.filter(
    (name) => !(TEXT_OPTION_NAMES as readonly string[]).includes(name) && given[name] !== undefined,
  );
  if (others.length === 0) return;
  const list = others.map((name) => `--${name}`).join(', ');
  throw new EdpError('usage', `${list} and --format jsonl exclude each other`, {
    hint: 'a line of JSON has no such thing; leave one of them out',
  });
}

function withoutUnsaid<T extends object>(settings: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}
