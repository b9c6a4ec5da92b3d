/** Partitions of a random table, some with rules of their own. */
import type { Random } from '../faults/random.js';
import { type Column, literal, type Piece } from './setup.js';

/** By the first column, which any key has. */
export function makePartitions(random: Random, table: string, columns: readonly Column[]): Piece[] {
  const { name, kind } = columns[0]!;
  const how = random.pick(['LIST', 'RANGE', 'HASH']);
  const partition = (suffix: string, bounds: string) =>
    `CREATE TABLE ${table}_${suffix} PARTITION OF ${table} ${bounds}`;
  const after: string[] = [];
  if (how === 'HASH') {
    for (const i of [0, 1, 2]) {
      // Without the last one, a third of the rows has no place.
      if (i < 2 || random.next() < 0.7) {
        after.push(partition(`p${i}`, `FOR VALUES WITH (MODULUS 3, REMAINDER ${i})`));
      }
    }
  } else {
    after.push(
      ...cut(
        random,
        how,
        kind.pool.map(({ sql }) => sql),
      ).map((bounds, i) => partition(`p${i}`, bounds)),
    );
    if (random.next() < 0.5) after.push(partition('rest', 'DEFAULT'));
  }
  const own = ownRule(random, `${table}_p0`, columns);
  return [
    {
      what: 'partitions',
      partitioning: `PARTITION BY ${how} (${name})`,
      partitions: after,
    },
    ...own,
  ];
}

function cut(random: Random, how: string, pool: readonly (string | null)[]): string[] {
  const values = [...new Set(pool)].filter((value) => value !== null);
  if (how === 'LIST') {
    const half = Math.ceil(values.length / 2);
    const lists = [values.slice(0, half), values.slice(half, -1)];
    return lists
      .filter((list) => list.length > 0)
      .map((list, i) => {
        const all = list.map(literal);
        if (i === 0 && random.next() < 0.5) all.push('NULL');
        return `FOR VALUES IN (${all.join(', ')})`;
      });
  }
  const middle = literal(random.pick(values));
  return [
    `FOR VALUES FROM (MINVALUE) TO (${middle})`,
    `FOR VALUES FROM (${middle}) TO (MAXVALUE)`,
  ].slice(0, random.pick([1, 2, 2]));
}

function ownRule(random: Random, partition: string, columns: readonly Column[]): Piece[] {
  const { name, kind } = columns.at(-1)!;
  if (kind.sql === 'json' || random.next() < 0.6) return [];
  return [
    {
      what: 'rule of a partition',
      after: [
        random.pick([
          `CREATE UNIQUE INDEX ON ${partition} (${name})`,
          `ALTER TABLE ${partition} ADD UNIQUE (${name})`,
          `ALTER TABLE ${partition} ADD CHECK (${name} IS NOT NULL)`,
        ]),
      ],
    },
  ];
}
