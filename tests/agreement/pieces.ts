/** The rules of a random table. */
import type { Random } from '../faults/random.js';
import type { DivisionMade } from './division.js';
import { makePartitions } from './partitions.js';
import { makeReferences } from './references.js';
import { type Column, isPlain, type Piece, type Situation } from './setup.js';
import { makeTriggers } from './triggers.js';
import { NUMBERS } from './values.js';

export interface Pieces {
  readonly pieces: Piece[];
  /** What identifies a record, for edp.yaml. */
  readonly key: readonly string[];
  /** Columns that rules need besides. */
  readonly extra: readonly Column[];
}

export function makePieces(
  random: Random,
  table: string,
  columns: readonly Column[],
  situation: Situation,
  made?: DivisionMade,
): Pieces {
  if (made !== undefined) return makeDividedPieces(random, table, columns, situation, made);
  const often = (share: number) => random.next() < share;
  const isPartitioned = often(0.2);
  const pieces: Piece[] = [];
  const extra: Column[] = [];
  const key = often(0.8) ? columns.slice(0, often(0.35) ? 2 : 1).map(({ name }) => name) : [];
  const isDeclared = key.length > 0 && often(0.85);
  if (isPartitioned) pieces.push(...makePartitions(random, table, columns));
  if (key.length > 0) {
    pieces.push(makeKey(random, table, columns, key, situation, isPartitioned));
  }
  if (!isPartitioned) {
    // What is checked at the end of a statement depends on the splits, too.
    const mayDefer = situation.onConflict !== 'update';
    if (often(0.15)) pieces.push(makeUnique(random, columns, situation));
    if (often(0.15)) pieces.push(...makeUniqueIndex(random, table, columns));
    if (often(0.1)) {
      extra.push({ name: 'lo', kind: NUMBERS }, { name: 'hi', kind: NUMBERS });
      const deferral = mayDefer ? makeDeferral(random, situation) : '';
      pieces.push({
        what: 'exclusion',
        lines: [`EXCLUDE USING gist (int4range(lo, hi) WITH &&)${deferral}`],
      });
    }
  }
  if (often(0.35)) pieces.push(...makeCheck(random, columns));
  for (const { name } of columns) {
    if (often(0.1)) {
      pieces.push({
        what: `not null ${name}`,
        after: [`ALTER TABLE ${table} ALTER ${name} SET NOT NULL`],
      });
    }
  }
  pieces.push(...makeReferences(random, table, columns, situation));
  pieces.push(...makeTriggers(random, table, columns, isDeclared ? key : []));
  if (often(0.15)) pieces.push(makeColumnWithoutField(random, columns));
  return { pieces, key: isDeclared ? key : [], extra };
}

/** What edp's own tables with partitions can have: no other unique index, and nothing that needs one. */
function makeDividedPieces(
  random: Random,
  table: string,
  columns: readonly Column[],
  situation: Situation,
  { division, columns: dividing }: DivisionMade,
): Pieces {
  const often = (share: number) => random.next() < share;
  // The guard's table has the types that edp.yaml says.
  const plain = columns.filter(({ kind }) => isPlain(kind));
  const own = often(0.85)
    ? plain
        .filter(({ kind }) => !NOT_FOR_KEYS.has(kind.model))
        .slice(0, often(0.35) ? 2 : 1)
        .map(({ name }) => name)
    : [];
  const rest = dividing.map(({ name }) => name);
  const some = rest.length > 1 && often(0.5) ? rest.slice(0, 1) : [];
  const key = own.length === 0 ? [] : [...own, ...(division.hasGuard ? some : rest)];
  const pieces: Piece[] = [];
  if (key.length > 0) {
    const lines = [`PRIMARY KEY (${key.join(', ')})`];
    pieces.push({ what: 'key', isNeeded: true, isMade: true, lines });
  }
  // With a guard, a row is replaced by an UPDATE, which inserts it anew where its partition is another one.
  const updates = division.hasGuard && situation.onConflict === 'update' && key.length > 0;
  if (often(0.35)) pieces.push(...makeCheck(random, columns));
  for (const { name } of [...columns, ...dividing]) {
    // It needs no value for a column that it does not change.
    if (!often(0.08) || updates) continue;
    pieces.push({
      what: `not null ${name}`,
      after: [`ALTER TABLE ${table} ALTER ${name} SET NOT NULL`],
    });
  }
  const references = makeReferences(random, table, columns, situation);
  pieces.push(...references.filter(({ what }) => what !== 'referrer'));
  const fixed = [...key, ...rest];
  const triggers = makeTriggers(random, table, [...columns, ...dividing], fixed);
  const isAlike = ({ last = [], what }: Piece) =>
    !what.includes('elsewhere') && last.some((line) => line.includes('INSERT OR UPDATE'));
  // A value that a trigger writes may be a member that a later record brings.
  const mayBeInferred = ({ what }: Piece) =>
    situation.missingDimensions === 'infer' && what === 'trigger that changes';
  pieces.push(...triggers.filter((piece) => (!updates || isAlike(piece)) && !mayBeInferred(piece)));
  if (often(0.15)) pieces.push(makeColumnWithoutField(random, columns));
  return { pieces, key, extra: dividing };
}

/** Types that no key can have, or whose keys would be too few. */
const NOT_FOR_KEYS: ReadonlySet<string> = new Set(['json', 'jsonb', 'boolean']);

/**
 * Where records replace rows, none is deferred: a row that breaks the rule for a moment only is allowed then,
 * and how long the moment is depends on the splits.
 */
export function makeDeferral(random: Random, { onConflict }: Situation): string {
  const deferral = random.pick(['', '', '', ' DEFERRABLE', ' DEFERRABLE INITIALLY DEFERRED']);
  return onConflict === 'update' ? deferral.replace(' INITIALLY DEFERRED', '') : deferral;
}

function makeKey(
  random: Random,
  table: string,
  columns: readonly Column[],
  key: readonly string[],
  situation: Situation,
  isPartitioned: boolean,
): Piece {
  const last = columns.at(-1)!;
  const include = random.next() < 0.15 ? ` INCLUDE (${last.name})` : '';
  const on = `(${key.join(', ')})${key.includes(last.name) ? '' : include}`;
  const form = random.pick([
    'PRIMARY KEY',
    'PRIMARY KEY',
    'UNIQUE',
    'UNIQUE NULLS NOT DISTINCT',
    '',
  ]);
  if (form === '') {
    return { what: 'key', isNeeded: true, after: [`CREATE UNIQUE INDEX ON ${table} ${on}`] };
  }
  const mayDefer = !isPartitioned && situation.onConflict !== 'update';
  const deferral = mayDefer ? makeDeferral(random, situation) : '';
  return { what: 'key', isNeeded: true, lines: [`${form} ${on}${deferral}`] };
}

const isIndexable = ({ kind }: Column) => kind.sql !== 'json';

function makeUnique(random: Random, columns: readonly Column[], situation: Situation): Piece {
  const { name } = random.pick(columns.filter(isIndexable));
  const nulls = random.next() < 0.2 ? ' NULLS NOT DISTINCT' : '';
  const deferral = situation.onConflict === 'update' ? '' : makeDeferral(random, situation);
  return { what: 'unique', lines: [`UNIQUE${nulls} (${name})${deferral}`] };
}

/** Over an expression, or over some of the rows. */
function makeUniqueIndex(random: Random, table: string, columns: readonly Column[]): Piece[] {
  const column = random.pick(columns.filter(isIndexable));
  const { name, kind } = column;
  const condition = makeCondition(random, columns);
  const isPartial = condition !== undefined && random.next() < 0.5;
  const expression =
    kind.family === 'text'
      ? `lower(${name}::text)`
      : kind.family === 'number'
        ? `abs(${name})`
        : name;
  return [
    {
      what: isPartial ? 'partial unique index' : 'unique expression index',
      after: [
        `CREATE UNIQUE INDEX ON ${table} (${isPartial ? name : `(${expression})`})${isPartial ? ` WHERE ${condition}` : ''}`,
      ],
    },
  ];
}

/** A condition that most rows fulfil, or some; undefined if there is no column for one. */
export function makeCondition(
  random: Random,
  columns: readonly Column[],
  row = '',
): string | undefined {
  const usable = columns.filter(({ kind }) => kind.family !== 'other');
  if (usable.length === 0) return undefined;
  const { name, kind } = random.pick(usable);
  const value = `${row}${name}`;
  if (kind.family === 'number') {
    return random.pick([`${value} >= 0`, `${value} <> 3`, `${value} < 30`]);
  }
  return random.pick([`length(${value}) > 1`, `${value} <> 'a'`, `${value} !~ '[A-Z]'`]);
}

function makeCheck(random: Random, columns: readonly Column[]): Piece[] {
  const condition = makeCondition(random, columns);
  return condition === undefined ? [] : [{ what: 'check', lines: [`CHECK (${condition})`] }];
}

function makeColumnWithoutField(random: Random, columns: readonly Column[]): Piece {
  const number = columns.find(({ kind }) => kind.sql === 'integer');
  const generated =
    number === undefined
      ? []
      : [
          `doubled bigint GENERATED ALWAYS AS (${number.name}::bigint * 2) STORED CHECK (doubled <> 10)`,
        ];
  const line = random.pick([
    "standard text NOT NULL DEFAULT 'standard'",
    'standard int DEFAULT 7 CHECK (standard = 7)',
    'number int GENERATED ALWAYS AS IDENTITY',
    'number int GENERATED BY DEFAULT AS IDENTITY',
    ...generated,
  ]);
  return { what: `column without a field`, lines: [line] };
}
