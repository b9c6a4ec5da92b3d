/** Random tables: columns, and the rules that the server holds their rows to. */
import type { Random } from '../faults/random.js';
import { makePieces } from './pieces.js';
import { makeSelfReference } from './references.js';
import { SWITCHES } from './switches.js';
import { type ColumnKind, makeColumnKind, NUMBERS, type Value } from './values.js';

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  /** The server computes it, whatever the file has. */
  readonly generated?: string;
}

/** A rule of a table, as SQL; its parts go together. */
export interface Piece {
  readonly what: string;
  /** Statements before the table is made. */
  readonly before?: readonly string[];
  /** Lines of CREATE TABLE. */
  readonly lines?: readonly string[];
  /** What follows the lines. */
  readonly partitioning?: string;
  /** Statements right behind CREATE TABLE. */
  readonly partitions?: readonly string[];
  /** Statements before any row is there. */
  readonly after?: readonly string[];
  /** Statements once the first rows are there. */
  readonly last?: readonly string[];
  readonly reference?: Reference;
  /** Other tables whose content is compared. */
  readonly tables?: readonly string[];
  /** Whether edp.yaml does not fit the table without this piece. */
  readonly isNeeded?: boolean;
}

/** A foreign key. */
export interface Reference {
  readonly columns: readonly string[];
  /** The rows that it may refer to, as an item of FROM. */
  readonly rows: string;
  readonly table: string;
  readonly referredColumns: readonly string[];
  /** MATCH FULL. */
  readonly isFull?: boolean;
  /** Whether it is to the same table; a record is its own parent then, where it refers to itself. */
  readonly isOwn?: boolean;
}

export interface Setup {
  readonly table: string;
  readonly columns: readonly Column[];
  /** What identifies a record, in edp.yaml. */
  readonly key: readonly string[];
  /** Columns that edp.yaml declares with `nullable: false`. */
  readonly required: readonly string[];
  readonly hasLineage: boolean;
  readonly pieces: readonly Piece[];
  /** Rows that are there before the file comes; the server takes what it takes. */
  readonly rows: readonly (readonly Value[])[];
}

/** The options of a load that decide what becomes of its records. */
export interface Situation {
  readonly onConflict: 'reject' | 'skip' | 'update';
  readonly missingDimensions: 'reject' | 'infer';
}

export function makeSetup(random: Random, table: string, situation: Situation): Setup {
  const columns = Array.from({ length: 3 + random.below(4) }, (_, i) => ({
    name: 'abcdef'[i]!,
    kind: makeColumnKind(random, i < 2),
  }));
  // The oracle does not know that the record of an inferred member gives it its values.
  const mayReferToSelf = SWITCHES.selfReferences && situation.missingDimensions === 'reject';
  const refersToSelf = mayReferToSelf && random.next() < 0.2;
  if (refersToSelf) columns[1] = { ...columns[1]!, kind: columns[0]!.kind };
  const { pieces, key, extra } = makePieces(random, table, columns, situation);
  if (refersToSelf && key.length === 1) pieces.push(makeSelfReference(random, table, situation));
  const all: Column[] = [...columns, ...extra];
  const number = columns.find(({ kind }) => kind.sql === 'integer');
  if (SWITCHES.generatedInFile && number !== undefined && random.next() < 0.15) {
    all.push({ name: 'tripled', kind: NUMBERS, generated: `${number.name}::bigint * 3` });
  }
  const isNotNull = (name: string) => pieces.some(({ what }) => what === `not null ${name}`);
  return {
    table,
    columns: all,
    key,
    required: all.map(({ name }) => name).filter((name) => isNotNull(name) && random.next() < 0.5),
    hasLineage: random.next() < 0.7,
    pieces,
    rows: Array.from({ length: random.pick([0, 3, 12]) }, () =>
      all.map(({ kind }) => random.pick(kind.pool)),
    ),
  };
}

export const literal = (text: string | null) =>
  text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`;

/** An INSERT of a row that the server need not take. */
export function insertIfPossible(table: string, columns: string, values: string): string {
  return `DO $do$ BEGIN INSERT INTO ${table} (${columns}) VALUES (${values}); SET CONSTRAINTS ALL IMMEDIATE;
    EXCEPTION WHEN OTHERS THEN NULL; END $do$`;
}

/** The statements that make the table and all that it needs, in the first schema of the search path. */
export function statementsOf({ table, columns, pieces, rows, hasLineage }: Setup): string[] {
  const lines = [
    ...columns.map(({ name, kind, generated }) =>
      generated === undefined
        ? `${name} ${kind.sql}`
        : `${name} ${kind.sql} GENERATED ALWAYS AS (${generated}) STORED`,
    ),
    ...(hasLineage ? ['load_id bigint'] : []),
    ...pieces.flatMap((piece) => piece.lines ?? []),
  ];
  const partitioning = pieces.flatMap((piece) => piece.partitioning ?? []);
  const given = columns.filter(({ generated }) => generated === undefined);
  const names = given.map(({ name }) => name).join(', ');
  const inserts = rows.map((row) => {
    const values = given.map((column) => literal(row[columns.indexOf(column)]!.sql)).join(', ');
    return insertIfPossible(table, names, values);
  });
  return [
    ...pieces.flatMap(({ before = [] }) => before),
    [`CREATE TABLE ${table} (\n  ${lines.join(',\n  ')}\n)`, ...partitioning].join(' '),
    ...pieces.flatMap(({ partitions = [] }) => partitions),
    ...pieces.flatMap(({ after = [] }) => after),
    ...inserts,
    ...pieces.flatMap(({ last = [] }) => last),
  ];
}

/** The table in edp.yaml. */
export function modelOf({ table, columns, key, required, hasLineage }: Setup): string {
  const lines = columns.map(({ name, kind }) =>
    required.includes(name)
      ? `      ${name}: { type: ${kind.model}, nullable: false }`
      : `      ${name}: ${kind.model}`,
  );
  return [
    `  ${table}:`,
    '    columns:',
    ...lines,
    ...(key.length > 0 ? [`    key: [${key.join(', ')}]`] : []),
    ...(hasLineage ? [] : ['    lineage: false']),
  ].join('\n');
}
