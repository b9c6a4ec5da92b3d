/** The bronze tables of the promise, and the values that their rows are made of. */
import type { Random } from '../faults/random.js';

export type Row = Readonly<Record<string, string | null>>;

export interface BronzeTable {
  readonly columns: Readonly<Record<string, string>>;
  readonly key: readonly string[];
  /** Whether it keeps each version, and its files hold all members. */
  readonly isSnapshot?: true;
}

/** What such a table has besides. */
export const OF_VERSIONS = ['source_offset', 'is_ended'] as const;

export const BRONZE = {
  members: {
    columns: {
      id: 'int',
      name: 'text',
      grp: 'int',
      plan: 'text',
      joined: 'timestamp',
      born: 'date',
      score: 'numeric',
      updated: 'timestamp',
      is_test: 'boolean',
    },
    key: ['id'],
  },
  events: {
    columns: {
      eid: 'int',
      member: 'int',
      plan: 'text',
      kind: 'text',
      at: 'timestamptz',
      day: 'date',
      amount: 'double',
      price: 'numeric',
      qty: 'int',
    },
    key: [],
  },
  rsvps: {
    columns: {
      event_id: 'int',
      member_id: 'int',
      response: 'text',
      answered: 'timestamptz',
      guests: 'int',
    },
    key: ['event_id', 'member_id'],
  },
  // A member is in it once for each moment.
  plans: {
    columns: { member_id: 'int', plan: 'text', grp: 'int', score: 'numeric', changed: 'timestamp' },
    key: ['member_id', 'changed'],
  },
  // A member is in each file, or has ended.
  people: {
    columns: {
      pid: 'int',
      plan: 'text',
      grp: 'int',
      score: 'numeric',
      changed: 'timestamp',
      day: 'date',
      seen: 'timestamptz',
    },
    key: ['pid'],
    isSnapshot: true,
  },
} as const satisfies Record<string, BronzeTable>;

export type BronzeName = keyof typeof BRONZE;
export const BRONZE_NAMES = Object.keys(BRONZE) as BronzeName[];

const MOMENTS = [
  '2024-01-31 23:30:00',
  '2024-02-01 00:30:00',
  '2024-02-01 00:45:30',
  '2024-02-29 12:00:00',
  '2024-03-31 01:30:00',
  '2024-03-31 02:30:00',
  '2024-10-27 00:30:00',
  '2024-10-27 02:30:00',
  '9999-12-31 23:30:00',
  'infinity',
  '-infinity',
  null,
];
/** When loads took effect. */
export const EFFECTIVE = [
  '2024-02-01 00:30:00',
  '2024-02-01 00:30:00',
  '2024-02-29',
  '2024-01-01',
  'infinity',
];
const DAYS = ['2024-01-31', '2024-02-01', '2024-02-29', '2024-12-31', '0001-01-01', '9999-12-31'];
const WORDS = ['pro', 'Pro', 'PRO', 'free', "o'x", '', null];

const POOLS: Readonly<Record<string, readonly (string | null)[]>> = {
  int: ['1', '2', '3', '4', '5', null],
  text: WORDS,
  timestamp: MOMENTS,
  timestamptz: MOMENTS.map((each) =>
    each?.startsWith('2') || each?.startsWith('9') ? `${each}+00` : each,
  ),
  date: [...DAYS, 'infinity', '-infinity', null],
  numeric: ['1.00', '1.0', '2.50', '-3', '0', '12345678901234567890.125', null],
  double: ['0.1', '0.2', '0.3', '1.5', '-3', '1000000000000000', 'NaN', 'Infinity', null],
  boolean: ['t', 'f', 'f', null],
};

export function makeRow(random: Random, name: BronzeName): Row {
  const { columns, key }: BronzeTable = BRONZE[name];
  return Object.fromEntries(
    Object.entries(columns).map(([column, type]) => {
      const pool = POOLS[type]!;
      const isKey = key.includes(column);
      return [column, random.pick(isKey ? pool.filter((each) => each !== null) : pool)];
    }),
  );
}

/** Rows of a file: no key is there twice. */
export function makeRows(random: Random, name: BronzeName): Row[] {
  const rows = new Map<string, Row>();
  const { key }: BronzeTable = BRONZE[name];
  for (let i = random.below(5) + (random.next() < 0.1 ? 25 : 1); i > 0; i--) {
    const row = makeRow(random, name);
    rows.set(key.length === 0 ? String(i) : key.map((column) => row[column]).join(), row);
  }
  return [...rows.values()];
}
