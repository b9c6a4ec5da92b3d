/** The keys of a table in edp.yaml that divide it into partitions. */
import { z } from 'zod';
import { wordsOf } from './choices.js';
import { isDay } from './day.js';
import { PARTITION_UNITS, type Partitions } from './partitions.js';
import type { ColumnType } from './types.js';

const DEFAULT_FROM = '1970-01-01';
/** Years from now on that have partitions of time, unless edp.yaml says more. */
const DEFAULT_YEARS = 10;

const column = z.string().min(1, 'a name cannot be empty');
const day = z
  .string({ error: 'expected a day, as 2024-01-31' })
  .refine(isDay, { message: 'expected a day, as 2024-01-31' });

const rangeSchema = z.strictObject({
  column: column.describe('Column of type date, timestamp or timestamptz'),
  every: z
    .enum(wordsOf(PARTITION_UNITS), { error: 'partitions are for every day, month or year' })
    .describe('Rows of one day, month or year (in UTC) share a partition'),
});
const listSchema = z.strictObject({
  column: column.describe('Column each of whose values has a partition of its own'),
  list: z.literal(true, { error: 'list: true' }),
});
const oneSchema = z.union([rangeSchema, listSchema], {
  error: () =>
    'partitions are {column: recorded_date, every: month} (or day, or year), or {column: country_code, list: true}',
});

/** Which days have partitions of time. */
export const partitionRange = z
  .strictObject({ from: day.optional(), to: day.optional() })
  .optional()
  .describe(
    'Days that get partitions, the last one excluded (default 1970-01-01 to ten years from now); rows of other days, infinite ones and NULL are in the rest partition',
  );

/** Keys of a table that divide it. */
export const partitionsShape = {
  'partition-by': z
    .union([oneSchema, z.array(oneSchema)], {
      error: () =>
        'partition-by is {column: recorded_date, every: month} (or day, or year), or a list with {column: country_code, list: true} first',
    })
    .optional()
    .describe('Divides the table into partitions; edp makes them when their first row comes'),
  'partition-range': partitionRange,
  'key-guard': z
    .boolean({ error: 'expected true or false' })
    .optional()
    .describe('Keeps a key without the partition columns unique, in a side table'),
};

type PartitionRange = NonNullable<z.output<typeof partitionRange>>;

export interface PartitionsInput {
  readonly 'partition-by'?: z.output<(typeof partitionsShape)['partition-by']>;
  readonly 'partition-range'?: z.output<(typeof partitionsShape)['partition-range']>;
  readonly 'key-guard'?: boolean | undefined;
}

function listOf(input: PartitionsInput) {
  const by = input['partition-by'];
  if (by === undefined) return [];
  return Array.isArray(by) ? by : [by];
}

/** @param input without faults */
export function toPartitions(input: PartitionsInput): Partitions | undefined {
  const parts = listOf(input);
  if (parts.length === 0) return undefined;
  const list = parts.find((part) => 'list' in part);
  const range = parts.find((part) => 'every' in part);
  const given = input['partition-range'];
  return {
    ...(list === undefined ? {} : { list: list.column }),
    ...(range === undefined
      ? {}
      : {
          range: {
            column: range.column,
            every: range.every,
            ...daysWithPartitions(given),
            ...(given === undefined ? {} : { given }),
          },
        }),
  };
}

/** @param given what edp.yaml says */
export function daysWithPartitions(given: PartitionRange = {}): { from: string; to: string } {
  return { from: given.from ?? DEFAULT_FROM, to: given.to ?? defaultTo() };
}

/** @returns why no day is in the range */
export function rangeFault(given: PartitionRange): string | undefined {
  const { from, to } = daysWithPartitions(given);
  return from < to ? undefined : `${from} is not before ${to}`;
}

/** The first of January, so that all runs of a year say the same. */
function defaultTo(): string {
  return `${new Date().getUTCFullYear() + DEFAULT_YEARS + 1}-01-01`;
}

const RANGE_TYPES: ReadonlySet<string> = new Set<ColumnType>(['date', 'timestamp', 'timestamptz']);
const LIST_TYPES: ReadonlySet<string> = new Set<ColumnType>([
  'smallint',
  'int',
  'bigint',
  'text',
  'boolean',
  'uuid',
]);

export interface PartitionFault {
  /** Inside the table. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * @param key of the table
 * @param typeOf the type of a declared column; undefined where there is none, null where it is not known
 */
export function findPartitionFaults(
  input: PartitionsInput,
  key: readonly string[],
  typeOf: (column: string) => string | undefined | null,
): PartitionFault[] {
  const parts = listOf(input);
  const path = ['partition-by'];
  if (parts.length === 0) {
    const orphans = ['partition-range', 'key-guard'] as const;
    return orphans
      .filter((name) => input[name] !== undefined && input[name] !== false)
      .map((name) => ({ path: [name], message: `the table has no partition-by: remove ${name}` }));
  }
  return [
    ...orderFaults(parts, path),
    ...typeFaults(parts, path, typeOf),
    ...rangeFaults(input),
    ...keyFaults(input, key),
  ];
}

type Part = ReturnType<typeof listOf>[number];

function orderFaults(parts: readonly Part[], path: string[]): PartitionFault[] {
  const kinds = parts.map((part) => ('list' in part ? 'list' : 'every')).join(' ');
  const names = parts.map((part) => part.column);
  if (!['list', 'every', 'list every'].includes(kinds)) {
    return [
      {
        path,
        message:
          'partitions are by one column of a list, by one column of time, or by both: {column: country_code, list: true} first, then {column: recorded_date, every: month}',
      },
    ];
  }
  return new Set(names).size === names.length
    ? []
    : [{ path, message: `"${names[0]}" cannot be both` }];
}

function typeFaults(
  parts: readonly Part[],
  path: string[],
  typeOf: (column: string) => string | undefined | null,
): PartitionFault[] {
  return parts.flatMap((part) => {
    const type = typeOf(part.column);
    if (type === null) return [];
    const message =
      type === undefined
        ? `"${part.column}" is not a declared column of the table; metrics and columns that edp adds do not divide it`
        : 'every' in part
          ? RANGE_TYPES.has(type)
            ? undefined
            : `"${part.column}" is ${type}; partitions of time are by a date, timestamp or timestamptz`
          : LIST_TYPES.has(type)
            ? undefined
            : `"${part.column}" is ${type}; a list is by ${[...LIST_TYPES].join(', ')}`;
    return message === undefined ? [] : [{ path, message }];
  });
}

function rangeFaults(input: PartitionsInput): PartitionFault[] {
  const own = input['partition-range'];
  if (own === undefined) return [];
  const path = ['partition-range'];
  if (!listOf(input).some((part) => 'every' in part)) {
    return [{ path, message: 'there are no partitions of time: remove partition-range' }];
  }
  const message = rangeFault(own);
  return message === undefined ? [] : [{ path, message }];
}

function keyFaults(input: PartitionsInput, key: readonly string[]): PartitionFault[] {
  const guarded = input['key-guard'] === true;
  const path = [guarded ? 'key-guard' : 'partition-by'];
  if (key.length === 0) {
    return guarded ? [{ path, message: 'the table has no key to guard: remove key-guard' }] : [];
  }
  const outside = listOf(input)
    .map(({ column: name }) => name)
    .filter((name) => !key.includes(name));
  if (outside.length === 0) {
    const message = `the key (${key.join(', ')}) contains the columns of the partitions, so the server keeps it unique: remove key-guard`;
    return guarded ? [{ path, message }] : [];
  }
  if (guarded) return [];
  return [
    {
      path,
      message: `the key (${key.join(', ')}) does not contain ${outside.map((name) => `"${name}"`).join(' and ')}, and PostgreSQL keeps a key unique over partitions only where it does: declare \`key: [${[...key, ...outside].join(', ')}]\`; or \`key-guard: true\`, a side table that keeps (${key.join(', ')}) unique`,
    },
  ];
}
