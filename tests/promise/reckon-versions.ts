/** Versions by their declaration, computed in plain code: of a history, of a dimension, and as of a moment. */
import type { Cells } from './dump.js';
import type { DimensionSpec } from './project.js';
import type { Table } from './reckon.js';
import { hasGaps, isSnapshot, versionsWithEnds } from './reckon-ends.js';
import { type Cell, compare, descending } from './values.js';

export const VERSION_COLUMNS = ['valid_from', 'valid_to', 'is_current', 'previous_to'];

type Types = Readonly<Record<string, string>>;

export const isHistory = ({ types }: Table) => 'is_current' in types;

/** Rows without versions that ended. */
export function currentOf(source: Table, key: readonly string[]): readonly Cells[] {
  return isHistory(source) && !key.includes('valid_from')
    ? source.rows.filter((row) => row.is_current === 'true')
    : source.rows;
}

export function inOrder(a: Cells, b: Cells, order: readonly string[], types: Types): number {
  for (const name of order) {
    const found = descending(a[name] ?? null, b[name] ?? null, types[name]!);
    if (found !== 0) return found;
  }
  return 0;
}

export function group<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const own = groups.get(key) ?? [];
    groups.set(key, own);
    own.push(item);
  }
  return [...groups.values()];
}

const keyOf = (key: readonly string[]) => (row: Cells) => key.map((name) => row[name]).join('|');
const byMoment = (a: Cells, b: Cells) => compare(a.valid_from!, b.valid_from!, 'timestamptz');

/** @param rows with valid_from, those of each key with different ones */
export function withEnds(rows: readonly Cells[], key: readonly string[]): Cells[] {
  return group(rows, keyOf(key)).flatMap((versions) => {
    const sorted = [...versions].sort(byMoment);
    return sorted.map((row, i) => ({
      ...row,
      valid_to: sorted[i + 1]?.valid_from ?? null,
      is_current: String(i === sorted.length - 1),
    }));
  });
}

export function versionsOf(
  spec: DimensionSpec,
  source: Table,
  attributes: readonly string[],
): Table {
  if (isSnapshot(source) || hasGaps(source)) return versionsWithEnds(spec, source, attributes);
  const key = spec['natural-key']!;
  const changedAt = spec['changed-at'] ?? (isHistory(source) ? 'valid_from' : 'effective_at');
  const names = [...key, ...attributes];
  const type = changedAt === 'effective_at' ? 'timestamptz' : source.types[changedAt]!;
  const dated: Cells[] = source.rows.map((row) => ({ ...row, edp_moment: row[changedAt] ?? null }));
  const present = dated.filter((row) => [...key, 'edp_moment'].every((name) => row[name] !== null));
  const types: Types = { ...source.types, edp_moment: type };
  const order = ['load_id', ...attributes];
  const rows = group(present, keyOf(key)).flatMap((each) => {
    const last = [...each].sort((a, b) => inOrder(a, b, ['edp_moment', ...order], types))[0]!;
    const moments = group(each, (row) => row.edp_moment!)
      .map((rowsThen) => [...rowsThen].sort((a, b) => inOrder(a, b, order, types))[0]!)
      .sort((a, b) => compare(a.edp_moment!, b.edp_moment!, 'timestamptz'));
    const changes = moments.filter(
      (row, i) =>
        i === 0 ||
        spec['type-2']!.some((name) => !isSame(row[name]!, moments[i - 1]![name]!, types[name]!)),
    );
    return changes.map((row) => ({
      ...Object.fromEntries(
        names.map((name) => {
          const isKept = key.includes(name) || spec['type-2']!.includes(name);
          return [name, (isKept ? row : last)[name] ?? null];
        }),
      ),
      id: 'member',
      valid_from: row.edp_moment ?? null,
    }));
  });
  const unknown: Cells = {
    ...Object.fromEntries(names.map((name) => [name, null])),
    id: 'unknown',
    valid_from: '-infinity',
    valid_to: null,
    is_current: 'true',
  };
  return {
    rows: [...withEnds(rows, key), unknown],
    types: { ...source.types, valid_from: type, valid_to: type, is_current: 'boolean' },
  };
}

export function isSame(a: Cell, b: Cell, type: string): boolean {
  if (a === null || b === null) return a === b;
  return compare(a, b, type) === 0;
}

/** @param moment undefined where none is asked for. @returns undefined where the member is gone then */
export function versionAt(versions: readonly Cells[], moment: Cell | undefined): Cells | undefined {
  const sorted = [...versions].sort(byMoment);
  const now = sorted.find((row) => row.is_current === 'true');
  if (moment === undefined || moment === null) return now;
  const begun = sorted.filter((row) => compare(row.valid_from!, moment, 'timestamptz') <= 0);
  const last = begun.at(-1) ?? sorted[0]!;
  const isOver = last.valid_to !== null && compare(last.valid_to!, moment, 'timestamptz') <= 0;
  return isOver ? undefined : last;
}
