/** Kinds of columns, each with values that fit and values that do not. */
import type { RejectCode } from '../../src/model/reject-codes.js';
import type { Random } from '../faults/random.js';

/** A field of a record. */
export interface Value {
  /** As the file has it; null for an empty field without quotes. */
  readonly file: string | null;
  /** As the server gets it from the oracle. */
  readonly sql: string | null;
  /** Codes of which the program rejects the record before it comes to the server; else none. */
  readonly codes?: readonly RejectCode[];
}

export interface ColumnKind {
  readonly sql: string;
  /** Type in edp.yaml. */
  readonly model: string;
  /** What rules may be made for: they compare it with such values. */
  readonly family: 'number' | 'text' | 'other';
  /** Values that fit; the same ones come often, so that keys meet. */
  readonly pool: readonly Value[];
  /** Values that do not fit the type, or only just. */
  readonly odd: readonly Value[];
}

const same = (text: string): Value => ({ file: text, sql: text });
const written = (file: string, sql: string): Value => ({ file, sql });
const wrong = (file: string, ...codes: RejectCode[]): Value => ({ file, sql: null, codes });

export const NULL: Value = { file: null, sql: null };

const numbers = (random: Random, count: number, low: number) =>
  Array.from({ length: count }, () => same(String(low + random.below(count * 2))));

const WORDS = ['a', 'b', 'ab', 'B', 'Ab', 'x y', 'é', '', '%s', "it's", 'c"d', 'k\nl', 'm,n', 'AB'];

function words(random: Random, count: number, length: number): Value[] {
  return Array.from({ length: count }, () => {
    const word = random.pick(WORDS).slice(0, length);
    const more = random.below(3) === 0 ? String(random.below(20)) : '';
    return same((word + more).slice(0, length));
  });
}

/** For columns that rules need. */
export const NUMBERS: ColumnKind = {
  sql: 'integer',
  model: 'int',
  family: 'number',
  pool: Array.from({ length: 60 }, (_, i) => same(`${i}`)),
  odd: [wrong('x', 'bad_integer')],
};

type Maker = (random: Random, count: number) => ColumnKind;

const integer: Maker = (random, count) => ({
  sql: 'integer',
  model: 'int',
  family: 'number',
  pool: [...numbers(random, count, 0), same('-1'), written('7.0', '7')],
  odd: [
    wrong('x12', 'bad_integer'),
    wrong('1.5', 'bad_integer'),
    wrong('3000000000', 'out_of_range', 'bad_integer'),
    same('2147483647'),
  ],
});

const bigint: Maker = (random, count) => ({
  sql: 'bigint',
  model: 'bigint',
  family: 'number',
  pool: [...numbers(random, count, 5_000_000_000), ...numbers(random, 3, 0)],
  odd: [
    wrong('--1', 'bad_integer'),
    wrong('9223372036854775808', 'out_of_range', 'bad_integer'),
    same('-9223372036854775808'),
  ],
});

const text: Maker = (random, count) => ({
  sql: 'text',
  model: 'text',
  family: 'text',
  pool: words(random, count, 12),
  odd: [same('a long text, with a comma'), same('ends in a blank ')],
});

const varchar: Maker = (random, count) => {
  const length = 2 + random.below(5);
  return {
    sql: `varchar(${length})`,
    model: 'text',
    family: 'text',
    pool: words(random, count, length),
    odd: [same('much too long'), same(`${'z'.repeat(length)}   `)],
  };
};

const char: Maker = (random, count) => {
  const length = 1 + random.below(4);
  return {
    sql: `char(${length})`,
    model: 'text',
    family: 'text',
    pool: words(random, count, length),
    odd: [same('much too long'), same('a  '), same(' a')],
  };
};

const numeric: Maker = (random, count) => ({
  sql: 'numeric(5,2)',
  model: 'numeric',
  family: 'number',
  pool: [...numbers(random, count, 0), same('1.005'), same('-3.14'), same('2.50'), same('2.5')],
  odd: [wrong('1,5', 'bad_number'), same('1000'), same('999.996'), same('NaN')],
});

const boolean: Maker = () => ({
  sql: 'boolean',
  model: 'boolean',
  family: 'other',
  pool: ['true', 'f', 'yes', '0', 'FALSE'].map(same),
  odd: [wrong('maybe', 'bad_boolean'), wrong('2', 'bad_boolean')],
});

const date: Maker = (random, count) => ({
  sql: 'date',
  model: 'date',
  family: 'other',
  pool: Array.from({ length: Math.min(count, 20) }, () =>
    same(`2024-0${1 + random.below(9)}-1${random.below(10)}`),
  ),
  odd: [wrong('2024-02-30', 'bad_date'), wrong('31.01.2024', 'bad_date'), same('infinity')],
});

const timestamp: Maker = (random, count) => ({
  sql: 'timestamp',
  model: 'timestamp',
  family: 'other',
  pool: Array.from({ length: Math.min(count, 20) }, () =>
    same(`2024-01-0${1 + random.below(9)} 10:0${random.below(10)}:00`),
  ),
  odd: [
    wrong('2024-01-01 25:00', 'bad_timestamp'),
    wrong('noon', 'bad_timestamp'),
    written('2024-05-05T01:02:03.5+02:00', '2024-05-04 23:02:03.5'),
  ],
});

const timestamptz: Maker = (random, count) => ({
  sql: 'timestamptz',
  model: 'timestamptz',
  family: 'other',
  pool: Array.from({ length: Math.min(count, 20) }, () =>
    same(`2024-01-0${1 + random.below(9)} 0${random.below(3)}:00:00+0${random.below(3)}`),
  ),
  odd: [
    wrong('2024-13-01 10:00:00Z', 'bad_timestamp'),
    written('2024-05-05T01:02:03', '2024-05-05 01:02:03+00'),
  ],
});

const double: Maker = (random, count) => ({
  sql: 'double precision',
  model: 'double',
  family: 'number',
  pool: [...numbers(random, count, 0), same('1e3'), same('0.1'), same('-0'), same('0')],
  odd: [wrong('1.2.3', 'bad_number'), wrong('1e400', 'out_of_range', 'bad_number'), same('NaN')],
});

const uuid: Maker = (random, count) => ({
  sql: 'uuid',
  model: 'uuid',
  family: 'other',
  pool: Array.from({ length: count }, () => {
    const digits = String(10 + random.below(count));
    return same(`6f1e0c9a-0000-4000-8000-0000000000${digits.slice(0, 2)}`);
  }),
  odd: [
    wrong('6f1e0c9a', 'bad_uuid'),
    same('{6F1E0C9A-0000-4000-8000-000000000010}'),
    same('6f1e0c9a000040008000000000000010'),
  ],
});

const jsonb: Maker = (random, count) => ({
  sql: 'jsonb',
  model: 'jsonb',
  family: 'other',
  pool: [
    ...Array.from({ length: Math.min(count, 10) }, () => same(`{"a": ${random.below(9)}}`)),
    same('[1, 2.0, null]'),
    same('"x"'),
  ],
  odd: [wrong('{a', 'bad_json'), same('{"b": 1, "a": [ ]}'), wrong('"\\u0000"', 'bad_json')],
});

const json: Maker = (random, count) => ({ ...jsonb(random, count), sql: 'json', model: 'json' });

const citext: Maker = (random, count) => ({ ...text(random, count), sql: 'citext' });

/** Text that the server finds equal in any case. */
const anyCase: Maker = (random, count) => ({
  ...text(random, count),
  sql: 'text COLLATE any_case',
  // Patterns do not work with such a collation.
  family: 'other',
});

const MAKERS: Readonly<Record<string, readonly [number, Maker]>> = {
  integer: [5, integer],
  bigint: [2, bigint],
  text: [4, text],
  varchar: [2, varchar],
  char: [2, char],
  numeric: [2, numeric],
  boolean: [1, boolean],
  date: [1, date],
  timestamp: [1, timestamp],
  timestamptz: [1, timestamptz],
  double: [1, double],
  uuid: [1, uuid],
  jsonb: [1, jsonb],
  json: [0.5, json],
  citext: [0.5, citext],
  anyCase: [0.7, anyCase],
};

/** Kinds that no key can have, or whose keys would be too few. */
const NOT_FOR_KEYS: ReadonlySet<string> = new Set(['json', 'jsonb', 'boolean']);

/** Of the types whose tables edp makes itself, and which may divide them. */
export const VALUES_OF = {
  text,
  int: integer,
  bigint,
  boolean,
  uuid,
  date,
  timestamp,
  timestamptz,
};

export function makeColumnKind(random: Random, isForKey: boolean): ColumnKind {
  const makers = Object.entries(MAKERS).filter(([name]) => !isForKey || !NOT_FOR_KEYS.has(name));
  const place = random.next() * makers.reduce((sum, [, [weight]]) => sum + weight, 0);
  let reached = 0;
  const chosen = makers.find(([, [weight]]) => {
    reached += weight;
    return place < reached;
  });
  const [, [, make]] = chosen ?? makers[0]!;
  const kind = make(random, random.pick([3, 8, 40]));
  return kind.model === 'json' ? withoutNulByte(kind) : kind;
}

/** Only jsonb cannot hold it. */
function withoutNulByte(kind: ColumnKind): ColumnKind {
  return { ...kind, odd: kind.odd.filter(({ file }) => file !== '"\\u0000"') };
}
