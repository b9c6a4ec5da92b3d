/** `dimensions:` of a fact → how each id is looked up. */
import { toNotes } from '../notes.js';
import { familyOf, isSurelyNoDate } from './column-types.js';
import type { FactInput, LookUpInput } from './fact-schema.js';
import { CALENDAR_ID_TYPE, CALENDAR_KEY } from './known-columns.js';
import { checkColumns, meant, noColumn, type Path, type Resolving } from './resolving.js';
import { toList } from './schema-parts.js';
import type { LookUp, Source } from './task.js';
import { endsOf } from './versions.js';
import { describeSource, type KnownColumns } from './warehouse-catalog.js';

type Pair = LookUp['by'][number];

/** Those without faults; each other has one. */
export function resolveLookUps(
  resolving: Resolving,
  path: Path,
  { dimensions = {} }: FactInput,
  source: Source | undefined,
  known: KnownColumns | undefined,
): LookUp[] {
  return Object.entries(dimensions).flatMap(([column, input]) => {
    const at = [...path, 'dimensions', column];
    const pairs = toPairs(input.by);
    checkSourceColumns(resolving, at, pairs, source, known);
    const dimension = findDimension(resolving, at, input.dimension);
    if (dimension === undefined) return [];
    const by = orderPairs(resolving, at, pairs, dimension);
    checkTypes(resolving, at, by, dimension.name, known);
    const { name, idType, hasVersions, hasEnds } = dimension;
    checkAsOf(resolving, at, input['as-of'], dimension, source, known);
    return [
      {
        column,
        dimension: `gold.${name}`,
        relation: { schema: resolving.catalog.layers.gold, name },
        idType,
        by,
        hasVersions,
        ...(hasEnds ? { hasEnds } : {}),
        ...(input['as-of'] === undefined ? {} : { asOf: input['as-of'] }),
        ...toNotes(input).notes,
      },
    ];
  });
}

function toPairs(by: LookUpInput['by']): Pair[] {
  return typeof by === 'string' || Array.isArray(by)
    ? toList(by).map((column) => ({ dimension: column, source: column }))
    : Object.entries(by).map(([dimension, source]) => ({ dimension, source }));
}

function checkSourceColumns(
  resolving: Resolving,
  path: Path,
  pairs: readonly Pair[],
  source: Source | undefined,
  known: KnownColumns | undefined,
): void {
  if (known === undefined || source === undefined) return;
  for (const { source: column } of pairs) {
    if (known.has(column)) continue;
    const message = noColumn(column, known, describeSource(source));
    resolving.add({ path: [...path, 'by'], message });
  }
}

/** Keys of two kinds have no equality. */
function checkTypes(
  resolving: Resolving,
  path: Path,
  pairs: readonly Pair[],
  name: string,
  known: KnownColumns | undefined,
): void {
  const members = resolving.columns.ofName(`gold.${name}`);
  for (const { dimension, source } of pairs) {
    const [own, other] = [known?.get(source), members?.get(dimension)];
    if (own === undefined || other === undefined) continue;
    const families = [familyOf(own), familyOf(other)];
    if (families.includes(undefined) || families[0] === families[1]) continue;
    const message = `"${source}" is ${own}, and ${dimension} of ${name} is ${other}; cast one of them in silver (type:)`;
    resolving.add({ path: [...path, 'by'], message });
  }
}

interface Found {
  readonly name: string;
  readonly idType: LookUp['idType'];
  readonly naturalKey: readonly string[];
  readonly hasVersions: boolean;
  readonly hasEnds: boolean;
}

/** @returns undefined where there is none, or where it has faults of its own */
function findDimension(resolving: Resolving, path: Path, text: string): Found | undefined {
  const name = text.replace(/^gold\./, '');
  const { catalog, input } = resolving;
  const add = (message: string) => resolving.add({ path: [...path, 'dimension'], message });
  const names = catalog.declared.filter(({ section }) => section === 'dimensions');
  if (!names.some((one) => one.name === name)) {
    const other = [text, `gold.${name}`, `silver.${name}`].flatMap(
      (task) => catalog.taskOf(task) ?? [],
    )[0];
    const known = names.map((one) => one.name);
    add(
      other === undefined
        ? `there is no dimension "${name}"${meant(name, known)}`
        : `${other.task} is declared under ${other.section}:, and is no dimension${meant(name, known)}`,
    );
    return undefined;
  }
  const dimension = input.dimensions?.[name];
  if (dimension === undefined) return undefined;
  if (dimension.calendar !== undefined) {
    const ofCalendar = { idType: CALENDAR_ID_TYPE, naturalKey: CALENDAR_KEY } as const;
    return { name, ...ofCalendar, hasVersions: false, hasEnds: false };
  }
  const source = catalog.find(dimension.from!);
  const hasVersions = dimension['type-2'] !== undefined;
  return {
    name,
    idType: dimension.id ?? 'bigint',
    naturalKey: toList(dimension['natural-key']),
    hasVersions,
    hasEnds:
      hasVersions && typeof source !== 'string' && endsOf(input, catalog, source) !== undefined,
  };
}

function checkAsOf(
  resolving: Resolving,
  path: Path,
  asOf: string | undefined,
  { name, hasVersions }: Found,
  source: Source | undefined,
  known: KnownColumns | undefined,
): void {
  if (asOf === undefined) return;
  const add = (message: string) => resolving.add({ path: [...path, 'as-of'], message });
  if (!hasVersions) {
    add(`${name} has one version of each member; declare type-2: there, or remove as-of`);
  }
  if (source !== undefined) {
    checkColumns(resolving, asOf, known, [...path, 'as-of'], describeSource(source));
  }
  const type = known?.get(asOf);
  if (type !== undefined && isSurelyNoDate(type)) add(`"${asOf}" is ${type}, which is no time`);
}

/** In the order of the natural key, all of which is needed. */
function orderPairs(
  resolving: Resolving,
  path: Path,
  pairs: readonly Pair[],
  { name, naturalKey }: Found,
): Pair[] {
  const add = (message: string) => resolving.add({ path: [...path, 'by'], message });
  const key = naturalKey.join(', ');
  const isKey = naturalKey.length === 1 ? 'its natural key is' : 'its natural key is all of';
  for (const { dimension } of pairs) {
    if (naturalKey.includes(dimension)) continue;
    const isOnly = naturalKey.length === 1 && pairs.length === 1;
    const mend = isOnly ? `; write by: {${key}: ${pairs[0]!.source}}` : '';
    add(`"${dimension}" does not identify a member of ${name}; ${isKey} ${key}${mend}`);
  }
  const missing = naturalKey.filter((column) => pairs.every((pair) => pair.dimension !== column));
  if (missing.length > 0 && pairs.some((pair) => naturalKey.includes(pair.dimension))) {
    add(
      `several members of ${name} can match, as ${missing.join(', ')} is missing; ${isKey} ${key}`,
    );
  }
  const twice = pairs.filter(
    (pair, i) => pairs.findIndex((p) => p.dimension === pair.dimension) < i,
  );
  for (const { dimension } of twice) add(`"${dimension}" is named twice`);
  return naturalKey.flatMap((column) => pairs.find((pair) => pair.dimension === column) ?? []);
}
