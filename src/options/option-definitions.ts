/** All options of all commands, each once: its meaning, its check, its default. */
import os from 'node:os';
import { z } from 'zod';
import { CSV_SCHEMAS, CSV_SETTING_NAMES, RAGGED } from '../model/csv-settings.js';
import { isDay } from '../model/day.js';
import { EVENT_FORMAT_CHOICES, INPUT_FORMAT_CHOICES } from '../model/file-settings.js';
import {
  DEFAULT_READ_BATCH,
  MISSING_DIMENSIONS_CHOICES,
  ON_CONFLICT_CHOICES,
  ON_NEW_COLUMN_CHOICES,
  type RejectLimit,
} from '../model/load-rules.js';
import { identifier } from '../model/schema.js';
import { type ColumnType, PROMOTED_TYPES } from '../model/types.js';
import { FORMAT_CHOICES } from '../report/format/report-format.js';
import { type MetricLabels, metricLabels } from './metric-labels.js';
import { METRIC_TARGET_FORMS, type MetricTarget, metricTargets } from './metric-targets.js';
import {
  choice,
  csv,
  define,
  flag,
  integerFrom,
  type OptionDefinition,
  optionalChoice,
  rejectLimit,
  share,
  text,
} from './option-kinds.js';

/** A day, or a day and a time of it; its zone is UTC where none is written. */
const MOMENT =
  /^(\d{4}-\d{2}-\d{2})(?:[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$/;
const moment = text.refine((value) => isDay(MOMENT.exec(value)?.[1] ?? ''), {
  error: 'expected a date such as 2024-01-31, or a time such as 2024-01-31T12:00:00Z',
});

const day = text.refine(isDay, { error: 'expected a date such as 2024-01-31' });

const schemaVersion = text.transform((version, context) => {
  const [, number] = /^v?([1-9]\d{0,8})$/.exec(version) ?? [];
  if (number !== undefined) return Number(number);
  context.addIssue({ code: 'custom', message: 'expected a version such as v2' });
  return z.NEVER;
});

export const OPTIONS = {
  'database-url': define<string | undefined>({
    schema: text.optional(),
    describe: 'PostgreSQL server to use, as postgresql://user:password@host:port/database',
    defaultDescription: 'DATABASE_URL, PG*, POSTGRES_USER, else the embedded server',
  }),
  'from-replica': flag(
    'Read from the standby that --replica-url names, once it has what was committed before',
  ),
  'replica-url': define<string | undefined>({
    schema: text.optional(),
    describe: 'A standby of the server, as postgresql://user:password@host:port/database',
    defaultDescription: 'none',
  }),
  'replica-wait': define<number>({
    schema: integerFrom(0, 86_400),
    describe: 'Seconds to wait for the standby',
    default: 30,
  }),
  port: define<number | undefined>({
    schema: integerFrom(0, 65_535).optional(),
    describe:
      'Lets the embedded server listen on this port of 127.0.0.1, too, with a password; 0 for any that is free',
    defaultDescription: 'none: it listens on its socket alone',
  }),
  tcp: flag('The URL for tools that speak TCP only, with its password (after db start --port)'),
  json: flag('Print exactly one JSON object on stdout, all else on stderr'),
  metrics: define<readonly MetricTarget[]>({
    schema: metricTargets,
    describe: `Where to send numbers of the work, several with commas or repeated: ${METRIC_TARGET_FORMS.join(', ')}`,
    default: [],
    defaultDescription: 'none',
    isSecret: true,
  }),
  'metrics-labels': define<MetricLabels>({
    schema: metricLabels,
    describe:
      'Labels of all numbers, as name=value, several with commas or repeated; they tell the jobs of one machine apart',
    default: {},
    defaultDescription: 'none',
  }),
  verbose: flag('Show stack traces and the statements behind an error'),
  log: choice(
    {
      text: 'lines for people',
      json: 'one JSON object a line, with no value of a record; in place of the lines on stderr, or in the log file',
    },
    'Form of the log',
  ),
  'log-file': define<string | undefined>({
    schema: text.optional(),
    describe: 'File to append the log to',
    defaultDescription: 'none',
  }),
  'sentry-dsn': define<string | undefined>({
    schema: text.optional(),
    describe: 'Where to report errors by the protocol of Sentry, without data',
    defaultDescription: 'none: nothing is sent',
  }),
  'process-count': define<number>({
    schema: integerFrom(1, 256),
    describe: 'Workers that read, parse and write at the same time',
    default: os.availableParallelism(),
    defaultDescription: 'the CPUs',
  }),
  'read-batch-size': define<number>({
    schema: integerFrom(1),
    describe: 'Records that one worker takes at a time: the approximate size of a split',
    default: DEFAULT_READ_BATCH,
  }),
  'write-batch-size': define<number>({
    schema: integerFrom(1),
    describe: 'Rows sent to the server in one write of a COPY',
    default: 10_000,
  }),
  table: define<string | undefined>({
    schema: text.optional(),
    describe: 'Name of the table in the model that the files or the metric belong to',
    defaultDescription: "detected by each file's name; for promote, the only table with metrics",
  }),
  key: define<readonly string[] | undefined>({
    schema: CSV_SCHEMAS.columns.optional() as never,
    describe:
      'Columns that identify a record of a new table, by name of the column or the header, separated by commas; verified against all records',
    defaultDescription: 'an identifier whose values all differ',
  }),
  'input-format': {
    ...optionalChoice(
      INPUT_FORMAT_CHOICES,
      'Format of the records in the files',
      "detected by each file's name, else by its first lines",
    ),
    // In edp.yaml, `format` is that of reports.
    flag: 'format',
  },
  'event-format': {
    ...optionalChoice(
      EVENT_FORMAT_CHOICES,
      'Format of the change events in the files',
      "detected by each file's first line",
    ),
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
  'effective-at': define<string | undefined>({
    schema: moment.optional(),
    describe:
      'When the records became valid, for dimensions that keep history by the load; UTC unless it has a zone',
    defaultDescription: 'now; for content whose load was undone, what it was then',
  }),
  force: flag('Load a file even if its content was loaded before'),
  replace: flag(
    'Make the files the whole content of their table, in one transaction; the rows that were there go',
  ),
  'dry-run': flag(
    'Write nothing: a load or run tries all of it on the real tables, with the same counts and rejects; capture prints its SQL',
  ),
  yes: flag('Do not ask for confirmation'),
  runs: flag('Show runs of commands instead of loads; a number is that of a run'),
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
    describe: 'Share of records with a metric that is not declared, 0 to 1',
    default: 0,
  }),
  list: flag('List the available reports'),
  cache: {
    ...flag(
      'Show the result of an earlier run while nothing in the database has changed; --no-cache reads the tables in any case',
    ),
    default: true,
  },
  'from-dbt': define<string | undefined>({
    schema: text.optional(),
    describe: 'Folder of a dbt project to convert; nothing of it is run or changed',
  }),
  from: define<string | undefined>({
    schema: text.optional(),
    describe:
      'Start of the time range, inclusive, such as 2024-01-31; of a report, also 2024-01-31T06:00',
  }),
  to: define<string | undefined>({
    schema: text.optional(),
    describe: 'End of the time range: of a report exclusive, of a run inclusive',
  }),
  'from-version': {
    ...define<number | undefined>({
      schema: schemaVersion.optional(),
      describe: 'Published version to compare, such as v2',
      defaultDescription: 'the last one',
    }),
    flag: 'from',
  },
  'to-version': {
    ...define<number | undefined>({
      schema: schemaVersion.optional(),
      describe: 'Published version to compare it with',
      defaultDescription: 'the model',
    }),
    flag: 'to',
  },
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
    describe: 'Type of the new column; for a metric that is promoted already, its new type',
    defaultDescription: 'that of the values',
    choices: PROMOTED_TYPES,
  }),
  schema: define<readonly string[]>({
    schema: z.union([z.array(text), text.transform((list) => list.split(','))]),
    describe:
      'Schema of the source to import, several with commas; of one alone, tables keep their names',
    default: [],
    defaultDescription: 'all but those of the server and of edp',
  }),
  column: define<string | undefined>({
    schema: text.pipe(identifier).optional(),
    describe: 'Name of the new column',
    defaultDescription: "the metric's name",
  }),
  'extra-column': define<string | undefined>({
    schema: text.optional(),
    describe: 'Column that keeps the metric, if a table flattens several JSON fields',
  }),
  whole: flag('Read all of a file of any size; without it, a sample of a file over 64 MB'),
  create: flag(
    'Create a table for files without one, with types from all of their records, and declare it in edp.yaml',
  ),
  raw: flag(
    'Print the rejected records byte for byte, in the format of their file: a CSV with its header',
  ),
  'passed-over': flag(
    'Show the lines of the file that are no records instead: comments, blank lines, headers, preamble, footer',
  ),
  task: define<readonly string[]>({
    schema: z.union([z.array(text), text.transform((one) => [one])]),
    describe: 'A task to run, as on the command line; several times for several',
    default: [],
    defaultDescription: 'all tasks',
  }),
  date: define<string | undefined>({
    schema: day.optional(),
    describe: 'The one date to make, stale or not, such as 2024-01-31',
  }),
  env: define<string | undefined>({
    schema: text.optional(),
    describe: 'Environment: schemas beside those of production, such as gold__dev for dev',
    defaultDescription: 'production',
  }),
  drop: flag('Drop the environment instead: its tables, its views and its schemas'),
  only: flag('Run the named tasks without those that they read'),
  full: flag('Make the tables anew, with all their dates, stale or not; ids of members stay'),
  parallel: define<number>({
    schema: integerFrom(1),
    describe: 'Tasks at the same time',
    default: 4,
  }),
  'compare-files': {
    ...flag('Write nothing: compare the files with the model, status 4 if they differ'),
    flag: 'check',
  },
  check: flag('Check the loaded tables as edp.yaml declares under checks; status 3 if one fails'),
  'lineage-format': {
    ...choice(
      {
        text: 'for people',
        mermaid: 'a diagram for a page of Markdown',
        json: 'as with --json',
      },
      'Output format of the lineage',
    ),
    flag: 'format',
  },
  sql: flag('With --dry-run: show the statements of each task, as SQL that psql can run'),
  'capture-to': {
    ...define<string | undefined>({
      schema: text.optional(),
      describe:
        'Where events go: a folder, which gets a folder of files for each table; or the word table: change_events and the tables of the warehouse',
    }),
    flag: 'to',
  },
  once: flag('End when all that is committed is sent, instead of waiting for more'),
  consumer: define<string>({
    schema: text,
    describe: 'Name of the consumer: each one gets every event',
    default: 'default',
  }),
  'rotate-seconds': define<number>({
    schema: integerFrom(1, 86_400),
    describe: 'Age at which a file is complete, if it is not large before',
    default: 60,
  }),
  limit: define<number>({
    schema: integerFrom(1),
    describe: 'How many to show at most',
    default: 20,
    defaultDescription: '20; of sample, 10',
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

/** Options that specify the format of files. */
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

/** Name of an option on the command line. */
export function flagOf(option: OptionName): string {
  const { flag = option }: OptionDefinition<unknown> = OPTIONS[option];
  return flag;
}

export function environmentName(option: OptionName): string {
  return `EDP_${option.replaceAll('-', '_').toUpperCase()}`;
}
