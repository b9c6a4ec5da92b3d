/** The columns of tasks and declared tables, as far as declarations tell. */
import type { DimensionInput } from './dimension-schema.js';
import { averageParts } from './measure.js';
import { toList } from './schema-parts.js';
import type { WarehouseInput } from './sections.js';
import type { SilverColumnInput, SilverInput } from './silver-schema.js';
import type { Ends, Source } from './task.js';
import {
  endsOf,
  IS_CURRENT,
  isHistory,
  PREVIOUS_TO,
  placeColumnsOf,
  VALID_FROM,
  VALID_TO,
  versionColumnsOf,
} from './versions.js';
import type { Catalog, Declared, KnownColumns } from './warehouse-catalog.js';

/** Silver keeps which load brought a row. */
export const LINEAGE_COLUMN = 'load_id';
/** When a row of gold came and when it changed. */
export const GOLD_TIMES = ['dw_created_at', 'dw_updated_at'] as const;
/** What identifies a day of a calendar. */
export const CALENDAR_KEY: readonly string[] = ['date'];
export const CALENDAR_ID_TYPE = 'int';

const NO_TYPE = undefined;

/** Each task's columns are found once. */
export class ColumnFinder {
  readonly #input: WarehouseInput;
  readonly #catalog: Catalog;
  readonly #found = new Map<string, KnownColumns | undefined>();

  constructor(input: WarehouseInput, catalog: Catalog) {
    this.#input = input;
    this.#catalog = catalog;
  }

  /** @returns undefined where they are not known */
  of(source: Source | undefined): KnownColumns | undefined {
    if (source === undefined) return undefined;
    if (source.task === undefined) return this.#catalog.columnsOfTable(source.relation);
    const declared = this.#catalog.taskOf(source.task);
    return declared === undefined ? undefined : this.#ofTask(declared);
  }

  /** What the name of a source means, if anything. */
  ofName(name: string | undefined): KnownColumns | undefined {
    const source = name === undefined ? undefined : this.#catalog.find(name);
    return typeof source === 'string' ? undefined : this.of(source);
  }

  /** Of a model or a view, the names that its SQL gives. */
  learn(task: string, names: readonly string[] | undefined): void {
    this.#found.set(task, names && new Map(names.map((name) => [name, NO_TYPE])));
  }

  #ofTask(declared: Declared): KnownColumns | undefined {
    const { task } = declared;
    if (this.#found.has(task)) return this.#found.get(task);
    // In a circle nothing is known.
    this.#found.set(task, undefined);
    const columns = this.#find(declared);
    this.#found.set(task, columns);
    return columns;
  }

  #find({ section, name }: Declared): KnownColumns | undefined {
    switch (section) {
      case 'silver':
        return this.#ofSilver(name);
      case 'dimensions':
        return this.#ofDimension(name);
      case 'facts':
        return this.#ofFact(name);
      default:
        return undefined;
    }
  }

  #ofSilver(name: string): KnownColumns | undefined {
    const input = this.#input.silver?.[name];
    if (input === undefined) return undefined;
    const source = this.ofName(input.from);
    const columns = Object.entries(input.columns).map(
      ([column, declared]) => [column, silverType(declared, source)] as const,
    );
    return new Map([
      ...columns,
      [LINEAGE_COLUMN, 'bigint'],
      ...(input.history === undefined
        ? []
        : versionColumns(momentType(input.history, source), this.#endsOf(input.from))),
    ]);
  }

  #ofDimension(name: string): KnownColumns | undefined {
    const input = this.#input.dimensions?.[name];
    // The columns of a calendar are edp's.
    if (input?.from === undefined) return undefined;
    const source = this.ofName(input.from);
    const naturalKey = toList(input['natural-key']);
    const attributes =
      input.attributes === undefined
        ? defaultAttributes(source, [...naturalKey, ...this.#unlisted(input)])
        : toList(input.attributes);
    if (attributes === undefined) return undefined;
    return new Map<string, string | undefined>([
      ['id', input.id ?? 'bigint'],
      ...[...naturalKey, ...attributes].map((column) => [column, source?.get(column)] as const),
      ...(input['type-2'] === undefined
        ? []
        : versionColumns(source?.get(input['changed-at'] ?? VALID_FROM), this.#endsOf(input.from))),
      ...goldTimes(),
    ]);
  }

  #endsOf(name: string): Ends | undefined {
    const source = this.#catalog.find(name);
    return typeof source === 'string' ? undefined : endsOf(this.#input, this.#catalog, source);
  }

  #unlisted(input: DimensionInput): readonly (string | undefined)[] {
    const source = this.#catalog.find(input.from!);
    return typeof source === 'string'
      ? []
      : unlistedColumns(this.#input, this.#catalog, source, input['changed-at']);
  }

  #ofFact(name: string): KnownColumns | undefined {
    const input = this.#input.facts?.[name];
    if (input === undefined) return undefined;
    const source = this.ofName(input.from);
    const dimensions = Object.entries(input.dimensions ?? {}).map(([column, { dimension }]) => {
      const bare = dimension.replace(/^gold\./, '');
      return [column, this.#input.dimensions?.[bare]?.id ?? 'bigint'] as const;
    });
    return new Map<string, string | undefined>([
      ...[...toList(input.key), ...toList(input.columns)].map(
        (column) => [column, source?.get(column)] as const,
      ),
      ['date', input.slice === 'hour' ? 'timestamp' : 'date'],
      ...dimensions,
      ...Object.entries(input.measures ?? {}).flatMap(([column, declared]) => {
        const value = typeof declared === 'string' ? declared : declared.value;
        return [column, ...averageParts(column, value)].map((name) => [name, NO_TYPE] as const);
      }),
      ...goldTimes(),
    ]);
  }
}

function goldTimes(): [string, string][] {
  return GOLD_TIMES.map((column) => [column, 'timestamptz']);
}

/** The column of a source that says which load brought a row. */
export function lineageOf(source: Source): string | undefined {
  return source.task?.startsWith('silver.') ? LINEAGE_COLUMN : source.lineageColumn;
}

/** Columns of a source that are no attributes of a dimension, unless it names them. */
export function unlistedColumns(
  input: WarehouseInput,
  catalog: Catalog,
  source: Source,
  changedAt: string | undefined,
): readonly (string | undefined)[] {
  const hasVersions = isHistory(input, source) || source.statesOf !== undefined;
  const versions = hasVersions ? versionColumnsOf(endsOf(input, catalog, source)) : [];
  return [lineageOf(source), changedAt, source.goneBy, ...placeColumnsOf(source), ...versions];
}

/** All other columns of the source; undefined where they are not known. */
export function defaultAttributes(
  source: KnownColumns | undefined,
  others: readonly (string | undefined)[],
): string[] | undefined {
  if (source === undefined) return undefined;
  return [...source.keys()].filter((column) => !others.includes(column));
}

function momentType(
  { by, timezone }: NonNullable<SilverInput['history']>,
  source: KnownColumns | undefined,
): string | undefined {
  return timezone === undefined ? source?.get(by) : 'timestamptz';
}

function versionColumns(
  moment: string | undefined,
  ends: Ends | undefined,
): [string, string | undefined][] {
  return [
    [VALID_FROM, moment],
    [VALID_TO, moment],
    [IS_CURRENT, 'boolean'],
    ...(ends === undefined ? [] : [[PREVIOUS_TO, moment] as [string, string | undefined]]),
  ];
}

function silverType(
  column: SilverColumnInput,
  source: KnownColumns | undefined,
): string | undefined {
  if (typeof column === 'string') return source?.get(column);
  if (column.timezone !== undefined) return 'timestamptz';
  if (column.type !== undefined) return column.type;
  if (column.values !== undefined) return 'text';
  return column.from === undefined ? undefined : source?.get(column.from);
}
