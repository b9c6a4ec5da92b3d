/** Foreign keys of a random table, and those of other tables that refer to it. */
import type { Random } from '../faults/random.js';
import { makeDeferral } from './pieces.js';
import { type Column, insertIfPossible, literal, type Piece, type Situation } from './setup.js';
import type { Value } from './values.js';

export function makeReferences(
  random: Random,
  table: string,
  columns: readonly Column[],
  situation: Situation,
): Piece[] {
  const pieces: Piece[] = [];
  const often = (share: number) => random.next() < share;
  if (often(0.5)) pieces.push(makeReference(random, table, columns, situation, 'r'));
  if (often(0.15)) pieces.push(makeReference(random, table, columns, situation, 'q'));
  if (often(0.12)) pieces.push(makeComposite(random, table, columns, situation));
  if (situation.onConflict === 'update' ? often(0.3) : often(0.08)) {
    pieces.push(...makeReferrer(random, table, columns, situation));
  }
  return pieces;
}

const canBeReferred = ({ kind }: Column) => !['json', 'jsonb', 'boolean'].includes(kind.model);

/** Some of the values of a column, each once as the server sees them. */
function members(random: Random, pool: readonly Value[]): (string | null)[] {
  const values = [...new Set(pool.map(({ sql }) => sql))];
  return values.filter(() => random.next() < 0.8);
}

function makeReference(
  random: Random,
  table: string,
  columns: readonly Column[],
  situation: Situation,
  suffix: string,
): Piece {
  const { name, kind } = random.pick(columns.filter(canBeReferred));
  const parent = `${table}_${suffix}`;
  const form = random.pick(['plain', 'plain', 'plain', 'needs more', 'partitioned', 'children']);
  const type = random.next() < 0.15 ? otherType(kind.sql) : kind.sql;
  const before = [
    form === 'partitioned'
      ? `CREATE TABLE ${parent} (k ${type} PRIMARY KEY, note text) PARTITION BY HASH (k)`
      : `CREATE TABLE ${parent} (k ${type} PRIMARY KEY, note text${form === 'needs more' ? ' NOT NULL' : ''})`,
  ];
  if (form === 'partitioned') {
    for (const i of [0, 1]) {
      before.push(
        `CREATE TABLE ${parent}_${i} PARTITION OF ${parent} FOR VALUES WITH (MODULUS 2, REMAINDER ${i})`,
      );
    }
  }
  const there = members(random, kind.pool);
  before.push(
    ...there.map((value) => insertIfPossible(parent, 'k, note', `${literal(value)}, 'n'`)),
  );
  if (form === 'children') {
    before.push(`CREATE TABLE ${parent}_child () INHERITS (${parent})`);
    for (const { sql } of kind.pool.slice(0, 4)) {
      if (!there.includes(sql)) before.push(insertIfPossible(`${parent}_child`, 'k', literal(sql)));
    }
  }
  const actions = random.pick([
    '',
    '',
    ' ON DELETE CASCADE',
    ' ON UPDATE CASCADE ON DELETE SET NULL',
  ]);
  return {
    what: `reference of ${name}`,
    before,
    lines: [
      `FOREIGN KEY (${name}) REFERENCES ${parent}${actions}${makeDeferral(random, situation)}`,
    ],
    reference: {
      columns: [name],
      rows: form === 'partitioned' ? parent : `ONLY ${parent}`,
      table: parent,
      referredColumns: ['k'],
    },
    tables: [parent],
  };
}

/** A type that the server compares with the other. */
function otherType(sql: string): string {
  if (sql === 'integer') return 'bigint';
  if (sql === 'bigint') return 'integer';
  if (sql.startsWith('varchar') || sql.startsWith('char')) return 'text';
  if (sql === 'text') return 'varchar(40)';
  return sql;
}

function makeComposite(
  random: Random,
  table: string,
  columns: readonly Column[],
  situation: Situation,
): Piece {
  const usable = columns.filter(canBeReferred);
  const [first, second] = [usable[0]!, usable.at(-1)!];
  if (first === second) return makeReference(random, table, columns, situation, 'c');
  const parent = `${table}_c`;
  const rows = Array.from({ length: 20 }, () =>
    [first, second].map(({ kind }) => literal(random.pick(kind.pool).sql)).join(', '),
  );
  const match = random.pick(['', ' MATCH FULL']);
  return {
    what: 'reference of two columns',
    before: [
      `CREATE TABLE ${parent} (k ${first.kind.sql}, l ${second.kind.sql}, PRIMARY KEY (k, l))`,
      ...rows.map((row) => insertIfPossible(parent, 'k, l', row)),
    ],
    lines: [
      `FOREIGN KEY (${first.name}, ${second.name}) REFERENCES ${parent}${match}${makeDeferral(random, situation)}`,
    ],
    reference: {
      columns: [first.name, second.name],
      rows: `ONLY ${parent}`,
      table: parent,
      referredColumns: ['k', 'l'],
      isFull: match !== '',
    },
    tables: [parent],
  };
}

/** A table that refers to this one, to a column that need not be its key. */
function makeReferrer(
  random: Random,
  table: string,
  columns: readonly Column[],
  situation: Situation,
): Piece[] {
  const { name, kind } = random.pick(columns.filter(canBeReferred));
  const child = `${table}_d`;
  // NO ACTION looks at the end of a statement, when another record may have brought the value again.
  const action = random.pick(['RESTRICT', 'CASCADE', 'SET NULL']);
  return [
    {
      what: 'referrer',
      after: [`ALTER TABLE ${table} ADD UNIQUE (${name})`],
      last: [
        `CREATE TABLE ${child} (x ${kind.sql} REFERENCES ${table} (${name}) ON UPDATE ${action}${makeDeferral(random, situation)})`,
        `INSERT INTO ${child} SELECT ${name} FROM ${table}`,
      ],
      tables: [child],
    },
  ];
}

/** The second column refers to the first, which is the key. */
export function makeSelfReference(random: Random, table: string, situation: Situation): Piece {
  return {
    what: 'reference to the same table',
    reference: { columns: ['b'], rows: table, table, referredColumns: ['a'], isOwn: true },
    after: [
      `ALTER TABLE ${table} ADD FOREIGN KEY (b) REFERENCES ${table} (a)${makeDeferral(random, situation)}`,
    ],
  };
}
