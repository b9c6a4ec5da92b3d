/** Random tables that edp makes and divides into partitions, as edp.yaml declares. The oracle's have none. */

import { toPartitions } from '../../src/model/partition-schema.js';
import type { PARTITION_UNITS, Partitions } from '../../src/model/partitions.js';
import type { Random } from '../faults/random.js';
import { type Column, literal } from './setup.js';
import { type ColumnKind, VALUES_OF, type Value } from './values.js';

export interface Division {
  readonly list?: string;
  readonly time?: { readonly column: string; readonly every: keyof typeof PARTITION_UNITS };
  /** Days as in edp.yaml. */
  readonly range?: { readonly from?: string; readonly to?: string };
  readonly hasGuard: boolean;
}

const same = (text: string): Value => ({ file: text, sql: text });
const NONE: Value = { file: null, sql: null };

/** Around which days are asked for: beginnings and ends of units, leap days, and the ends of a range. */
const DAYS = [
  '2023-12-31',
  '2024-01-01',
  '2024-01-09',
  '2024-01-10',
  '2024-01-11',
  '2024-01-31',
  '2024-02-01',
  '2024-02-29',
  '2024-03-01',
  '2024-03-14',
  '2024-03-15',
  '2024-03-16',
];
const FAR_DAYS = ['0001-01-01', '9999-12-31', '1969-12-31', '1970-01-01', '1582-10-10'];
const RANGES = [
  undefined,
  undefined,
  { from: '2024-01-01', to: '2025-01-01' },
  { from: '2024-01-10', to: '2024-03-15' },
  { from: '2024-01-31' },
  { to: '2024-02-01' },
] as const;

function makeTimeKind(random: Random): ColumnKind {
  const model = random.pick(['date', 'timestamp', 'timestamptz'] as const);
  const moments = (day: string) => {
    switch (model) {
      case 'date':
        return [day];
      case 'timestamp':
        return [`${day} 00:00:00`, `${day} 23:59:59.999999`, `${day} 12:00:00`];
      default:
        return [`${day} 00:00:00Z`, `${day} 23:59:59.999999Z`, `${day} 00:30:00+01`];
    }
  };
  const some = DAYS.filter(() => random.next() < 0.6);
  const far = FAR_DAYS.filter(() => random.next() < 0.3);
  const infinite = random.pick([[], ['infinity'], ['-infinity', 'infinity']]);
  return {
    ...VALUES_OF[model](random, 8),
    pool: [
      ...[...some, DAYS[1]!, ...far].flatMap(moments).filter(() => random.next() < 0.7),
      ...infinite,
      moments(DAYS[4]!)[0]!,
    ]
      .map(same)
      .concat(random.pick([[], [NONE]])),
  };
}

const LIST_WORDS = [
  'nl',
  'NL',
  'be',
  "o'x",
  'a b',
  '\\x',
  'x"y',
  'null',
  'DEFAULT',
  'é',
  'a, b',
  '%s',
  '',
];

function makeListKind(random: Random): ColumnKind {
  const model = random.pick(['text', 'text', 'text', 'int', 'bigint', 'boolean', 'uuid'] as const);
  const kind = VALUES_OF[model](random, 4);
  const pool =
    model === 'text'
      ? LIST_WORDS.filter(() => random.next() < 0.4)
          .concat('nl')
          .map(same)
      : kind.pool.slice(0, 6);
  return { ...kind, pool: [...pool, ...random.pick([[], [NONE]])] };
}

export interface DivisionMade {
  readonly division: Division;
  /** Those that divide the table. */
  readonly columns: readonly Column[];
}

export function makeDivision(random: Random): DivisionMade {
  const how = random.pick(['time', 'time', 'time', 'list', 'both']);
  const columns: Column[] = [];
  if (how !== 'time') columns.push({ name: 'part', kind: makeListKind(random) });
  if (how !== 'list') columns.push({ name: 'day', kind: makeTimeKind(random) });
  const range = random.pick(RANGES);
  return {
    columns,
    division: {
      ...(how === 'time' ? {} : { list: 'part' }),
      ...(how === 'list'
        ? {}
        : {
            time: { column: 'day', every: random.pick(['day', 'month', 'year'] as const) },
            ...(range === undefined ? {} : { range }),
          }),
      hasGuard: random.next() < 0.5,
    },
  };
}

function inputOf({ list, time, range }: Division) {
  return {
    'partition-by': [
      ...(list === undefined ? [] : [{ column: list, list: true as const }]),
      ...(time === undefined ? [] : [time]),
    ],
    ...(range === undefined ? {} : { 'partition-range': range }),
  };
}

/** Lines of the table in edp.yaml. */
export function divisionLines(division: Division, key: readonly string[]): string[] {
  const lines = Object.entries(inputOf(division)).map(
    ([name, value]) => `    ${name}: ${JSON.stringify(value)}`,
  );
  return key.length > 0 && division.hasGuard ? [...lines, '    key-guard: true'] : lines;
}

/** The statement that makes the partitions of a row; the oracle needs none. */
export function makePlaceOf(
  table: string,
  division: Division,
  textOf: (column: string) => string | null,
  typeOf: (column: string) => string,
): string {
  const { list, range } = toPartitions(inputOf(division)) as Partitions;
  const given = [`'${table}'`];
  if (range === undefined) given.push('NULL', 'NULL', 'NULL', 'NULL');
  else {
    given.push(literal(range.every), literal(range.column), literal(range.from), literal(range.to));
  }
  given.push(
    list === undefined ? 'NULL' : `ARRAY[${literal(textOf(list))}::${typeOf(list)}::text]`,
  );
  const time = range && textOf(range.column);
  const day = time && `(${literal(time)}::timestamptz AT TIME ZONE 'UTC')::date`;
  const isInside =
    day &&
    `CASE WHEN isfinite(${day}) AND ${day} >= '${range.from}' AND ${day} < '${range.to}' THEN ${day} END`;
  given.push(isInside ? `ARRAY[${isInside}]` : 'ARRAY[NULL]::date[]');
  return `PERFORM edp.make_partitions(${given.join(', ')});`;
}
