/**
 * Rows of realized tables that say what is no more: rows that were deleted in their source, and, of a history, the states
 * that have ended. A task leaves them out, unless what it declares is about them: then it counts every row, and what it
 * is to count is for its own conditions to say.
 */
import { fieldsOf } from '../expression.js';
import type { DimensionInput } from './dimension-schema.js';
import type { FactInput } from './fact-schema.js';
import type { Resolving } from './resolving.js';
import { toList } from './schema-parts.js';
import type { SilverInput } from './silver-schema.js';
import { isSqlFault } from './sql-reader.js';
import type { Measure, Source } from './task.js';
import { VALID_FROM, VALID_TO, VERSION_COLUMNS } from './versions.js';

/** About rows that were deleted: what names the time of the delete. About states: a key with their beginning. */
interface Named {
  /** Columns of the source that the task names anywhere. */
  readonly all: readonly string[];
  /** Those by which its rows are told apart. */
  readonly key: readonly string[];
  /** Those by which they are chosen, or dated. */
  readonly chosen: readonly string[];
  /** Whether it keeps versions, so that states end by themselves. */
  readonly hasVersions: boolean;
}

function counted({ goneBy, ...source }: Source, { all, key, chosen, hasVersions }: Named): Source {
  if (goneBy === undefined) return source;
  const isAbout =
    source.statesOf === undefined
      ? all.includes(goneBy)
      : hasVersions ||
        key.includes(VALID_FROM) ||
        VERSION_COLUMNS.some((name) => chosen.includes(name));
  return isAbout ? source : { ...source, goneBy };
}

export function ofSilver(resolving: Resolving, source: Source, input: SilverInput): Source {
  const { columns, where, history } = input;
  const key = toList(input.key).flatMap((name) => sourcesOf(resolving, columns[name]));
  const all = Object.values(columns).flatMap((column) => sourcesOf(resolving, column));
  const chosen = where === undefined ? [] : columnsOfSql(resolving, where);
  return counted(source, {
    all: [...all, ...chosen],
    key,
    chosen,
    hasVersions: history !== undefined,
  });
}

export function ofDimension(source: Source, input: DimensionInput): Source {
  const key = toList(input['natural-key']);
  const all = [...key, ...toList(input.attributes)];
  return counted(source, { all, key, chosen: [], hasVersions: input['type-2'] !== undefined });
}

export function ofFact(source: Source, input: FactInput, measures: readonly Measure[]): Source {
  const lookUps = Object.values(input.dimensions ?? {});
  const key = toList(input.key);
  const ofLookUps = lookUps.flatMap(({ by, 'as-of': asOf }) => [
    ...(typeof by === 'string' || Array.isArray(by) ? toList(by) : Object.values(by)),
    ...toList(asOf),
  ]);
  const ofMeasures = measures.flatMap(({ of }) => (of === undefined ? [] : fieldsOf(of)));
  const all = [...key, input.date, ...toList(input.columns), ...ofLookUps, ...ofMeasures];
  const isDatedByState = [VALID_FROM, VALID_TO].includes(input.date);
  return counted(source, {
    all,
    key,
    chosen: isDatedByState ? [input.date] : [],
    hasVersions: false,
  });
}

function sourcesOf(
  resolving: Resolving,
  column: SilverInput['columns'][string] | undefined,
): readonly string[] {
  if (column === undefined) return [];
  if (typeof column === 'string') return [column];
  return column.sql === undefined ? toList(column.from) : columnsOfSql(resolving, column.sql);
}

function columnsOfSql({ sql: reader }: Resolving, sql: string): readonly string[] {
  const reading = reader?.readExpression(sql);
  return reading === undefined || isSqlFault(reading) ? [] : reading.columns;
}
