/** Random tables: columns, and the rules that the server holds their rows to. */
import { type ColumnType, SQL_TYPE } from '../../src/model/types.js';
import type { Random } from '../faults/random.js';
import { type Division, divisionLines, makeDivision, makePlaceOf } from './division.js';
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
  /** Whether a table that edp makes has it already. */
  readonly isMade?: boolean;
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
  /** Where edp makes the table. */
  readonly division?: Division;
}

/** The options of a load that decide what becomes of its records. */
export interface Situation {
  readonly onConflict: 'reject' | 'skip' | 'update';
  readonly missingDimensions: 'reject' | 'infer';
  readonly isDivided: boolean;
}

export function makeSetup(random: Random, table: string, situation: Situation): Setup {
  const columns: Column[] = Array.from({ length: 3 + random.below(4) }, (_, i) => ({
    name: 'abcdef'[i]!,
    kind: makeColumnKind(random, i < 2),
  }));
  const made = situation.isDivided ? makeDivision(random) : undefined;
  // The oracle does not know that the record of an inferred member gives it its values.
  const mayReferToSelf =
    SWITCHES.selfReferences && situation.missingDimensions === 'reject' && made === undefined;
  const refersToSelf = mayReferToSelf && random.next() < 0.2;
  if (refersToSelf) columns[1] = { ...columns[1]!, kind: columns[0]!.kind };
  const { pieces, key, extra } = makePieces(random, table, columns, situation, made);
  if (refersToSelf && key.length === 1) pieces.push(makeSelfReference(random, table, situation));
  const all: Column[] = [...columns, ...extra];
  const number = columns.find(({ kind }) => kind.sql === 'integer');
  if (
    SWITCHES.generatedInFile &&
    made === undefined &&
    number !== undefined &&
    random.next() < 0.15
  ) {
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
    ...(made === undefined ? {} : { division: made.division }),
  };
}

export const literal = (text: string | null) =>
  text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`;

/** An INSERT of a row that the server need not take. @param before statement of PL/pgSQL */
export function insertIfPossible(
  table: string,
  columns: string,
  values: string,
  before = '',
): string {
  return `DO $do$ BEGIN ${before} INSERT INTO ${table} (${columns}) VALUES (${values}); SET CONSTRAINTS ALL IMMEDIATE;
    EXCEPTION WHEN OTHERS THEN NULL; END $do$`;
}

/**
 * The statements that make the table and all that it needs, in the first schema of the search path.
 *
 * @param isMade whether edp has made the table: the statements add what edp.yaml cannot say
 */
export function statementsOf(setup: Setup, isMade = false): string[] {
  const { table, columns, pieces, rows, hasLineage, division } = setup;
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
    const indexOf = (name: string) => columns.findIndex((column) => column.name === name);
    const textOf = (name: string) => row[indexOf(name)]!.sql;
    const typeOf = (name: string) => columns[indexOf(name)]!.kind.sql;
    const place =
      isMade && division !== undefined ? makePlaceOf(table, division, textOf, typeOf) : '';
    return insertIfPossible(table, names, values, place);
  });
  const made = isMade
    ? changesOf(setup)
    : [[`CREATE TABLE ${table} (\n  ${lines.join(',\n  ')}\n)`, ...partitioning].join(' ')];
  return [
    ...pieces.flatMap(({ before = [] }) => before),
    ...made,
    ...pieces.flatMap(({ partitions = [] }) => partitions),
    ...pieces.flatMap(({ after = [] }) => after),
    ...inserts,
    ...pieces.flatMap(({ last = [] }) => last),
  ];
}

/** Whether a column has the type that edp gives it in a table of its own. */
export function isPlain({ sql, model }: ColumnKind): boolean {
  return (
    SQL_TYPE[model as ColumnType].replace(/ without time zone$/, '') ===
    sql.replace('tamptz', 'tamp with time zone')
  );
}

/** What a table that edp made has to become. */
function changesOf({ table, columns, pieces }: Setup): string[] {
  const changes = [
    ...columns
      .filter(({ kind }) => !isPlain(kind))
      .map(({ name, kind }) => `ALTER ${name} TYPE ${kind.sql}`),
    ...pieces
      .filter(({ isMade }) => isMade !== true)
      .flatMap(({ lines = [] }) => lines)
      .map((line) => `ADD ${line}`),
  ];
  return changes.map((change) => `ALTER TABLE ${table} ${change}`);
}

/** The table in edp.yaml. */
export function modelOf({ table, columns, key, required, hasLineage, division }: Setup): string {
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
    ...(division === undefined ? [] : divisionLines(division, key)),
  ].join('\n');
}
