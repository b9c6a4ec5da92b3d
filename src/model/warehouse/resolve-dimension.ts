/** `dimensions:` → tasks. */
import { toNotes } from '../notes.js';
import type { DimensionInput } from './dimension-schema.js';
import { defaultAttributes, GOLD_TIMES, unlistedColumns } from './known-columns.js';
import { resolveType2 } from './resolve-type-2.js';
import { checkColumns, findSource, type Path, type Resolving } from './resolving.js';
import { ofDimension } from './rows-that-are-gone.js';
import { toList } from './schema-parts.js';
import type { CalendarTask, DimensionTask, Source } from './task.js';
import { endsOf, isHistory, VALID_FROM, versionColumnsOf } from './versions.js';
import { describeSource } from './warehouse-catalog.js';

const OWN_COLUMNS: readonly string[] = ['id', ...GOLD_TIMES];

/** @returns undefined where its source is not known; there is a fault then */
export function resolveDimension(
  resolving: Resolving,
  name: string,
  input: DimensionInput,
): DimensionTask | CalendarTask | undefined {
  const base = {
    kind: 'dimension' as const,
    name: `gold.${name}`,
    relation: { schema: resolving.catalog.layers.gold, name },
    ...toNotes(input).notes,
    checks: [],
  };
  if (input.calendar !== undefined) return { ...base, calendar: input.calendar };
  const path = ['dimensions', name];
  const source = findSource(resolving, input.from!, [...path, 'from']);
  if (source === undefined) return undefined;
  const known = resolving.columns.of(source);
  const owner = describeSource(source);
  const naturalKey = toList(input['natural-key']);
  checkColumns(resolving, input['natural-key'], known, [...path, 'natural-key'], owner);
  checkColumns(resolving, input.attributes, known, [...path, 'attributes'], owner);
  const attributes =
    input.attributes === undefined
      ? defaultAttributes(known, [
          ...naturalKey,
          ...unlistedColumns(resolving.input, resolving.catalog, source, input['changed-at']),
        ])
      : toList(input.attributes);
  refuseOwnColumns(resolving, path, input, source, attributes ?? []);
  const type2 =
    input['type-2'] === undefined
      ? undefined
      : resolveType2(resolving, path, input, source, attributes);
  return {
    ...base,
    source: ofDimension(source, input),
    naturalKey,
    ...(attributes === undefined ? {} : { attributes }),
    idType: input.id ?? 'bigint',
    readsCurrent:
      type2 === undefined && isHistory(resolving.input, source) && !naturalKey.includes(VALID_FROM),
    ...(type2 === undefined ? {} : { type2 }),
  };
}

function refuseOwnColumns(
  resolving: Resolving,
  path: Path,
  input: DimensionInput,
  source: Source,
  attributes: readonly string[],
): void {
  const written = input.attributes;
  const naturalKey = toList(input['natural-key']);
  const ends = endsOf(resolving.input, resolving.catalog, source);
  const own = [...OWN_COLUMNS, ...(input['type-2'] === undefined ? [] : versionColumnsOf(ends))];
  const refuse = (at: Path, column: string, mend: string) =>
    resolving.add({
      path: at,
      message: `every dimension ${OWN_COLUMNS.includes(column) ? '' : 'with type-2 '}has a column ${column}, which edp fills; ${mend}`,
    });
  for (const column of naturalKey) {
    if (!own.includes(column)) continue;
    refuse([...path, 'natural-key'], column, 'give it another name in silver, and read that');
  }
  for (const column of attributes) {
    if (naturalKey.includes(column)) {
      const message = `"${column}" is in the natural key already`;
      resolving.add({ path: [...path, 'attributes'], message });
    } else if (own.includes(column)) {
      const mend =
        written === undefined
          ? 'name the attributes to take, or give it another name in silver'
          : 'give it another name in silver, and read that';
      refuse(written === undefined ? path : [...path, 'attributes'], column, mend);
    }
  }
}
