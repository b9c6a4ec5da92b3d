/** What the tables of a project hold by its declaration: computed in plain code from the bronze rows. */
import { BRONZE, type BronzeName, type BronzeTable, OF_VERSIONS, type Row } from './bronze.js';
import type { Cells } from './dump.js';
import type { DimensionSpec, FactSpec, Project, SilverColumnSpec, SilverSpec } from './project.js';
import {
  historyWithEnds,
  isSnapshot,
  lastOfMembers,
  standingOf,
  versionRowsOf,
} from './reckon-ends.js';
import {
  currentOf,
  group,
  inOrder,
  isHistory,
  VERSION_COLUMNS,
  versionAt,
  versionsOf,
  withEnds,
} from './reckon-versions.js';
import {
  type Cell,
  compare,
  localToUtc,
  product,
  quotient,
  round,
  sum,
  truncate,
  utcToLocal,
} from './values.js';

export interface Table {
  readonly rows: readonly Cells[];
  readonly types: Readonly<Record<string, string>>;
}

export interface SliceCounts {
  read: number;
  nullKey: number;
  unknown: number;
}

export interface Reckoned {
  readonly tables: ReadonlyMap<string, Table>;
  /** Fact → slice → what a run of it counts. */
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, SliceCounts>>;
  /** Each as `task slice look-up key`, as in edp.unknown_keys. */
  readonly unknownKeys: ReadonlySet<string>;
  /** Tasks with several rows of one key, and what reads them: they fail. */
  readonly failing: ReadonlySet<string>;
}

const WHERE: Readonly<Record<string, (row: Row) => boolean>> = {
  'not coalesce(is_test, false)': (row) => row.is_test !== 'true' && row.is_test !== 't',
  'grp is distinct from 2': (row) => row.grp !== '2',
  'qty is distinct from 3': (row) => row.qty !== '3',
};
const UPPER = "upper(name) || coalesce('-' || grp, '')";

export function reckon(
  project: Project,
  bronze: Readonly<Record<BronzeName, readonly Row[]>>,
): Reckoned {
  const tables = new Map<string, Table>();
  for (const [name, table] of Object.entries(BRONZE)) {
    const { columns, isSnapshot: isFull }: BronzeTable = table;
    const ofVersions: Readonly<Record<string, string>> = isFull
      ? { source_offset: 'bigint', is_ended: 'boolean' }
      : {};
    tables.set(name, {
      rows: bronze[name as BronzeName],
      types: { ...columns, load_id: 'bigint', ...ofVersions },
    });
  }
  for (const [name, spec] of Object.entries(project.silver)) {
    tables.set(`silver.${name}`, silverOf(spec, tables.get(spec.from)!, !spec.from.includes('.')));
  }
  for (const [name, spec] of Object.entries(project.dimensions)) {
    tables.set(
      `gold.${name}`,
      dimensionOf(spec, spec.from === undefined ? undefined : tables.get(spec.from)!),
    );
  }
  const counts = new Map<string, Map<string, SliceCounts>>();
  const unknownKeys = new Set<string>();
  for (const [name, spec] of Object.entries(project.facts)) {
    const fact = factOf(`gold.${name}`, spec, tables, unknownKeys);
    tables.set(`gold.${name}`, fact.table);
    counts.set(`gold.${name}`, fact.counts);
  }
  return { tables, counts, unknownKeys, failing: new Set() };
}

function silverOf(spec: SilverSpec, whole: Table, hasLoads: boolean): Table {
  const { history } = spec;
  if (isSnapshot(whole) && history !== undefined) return historyOf(spec, whole);
  const source = !isSnapshot(whole)
    ? whole
    : spec['latest-by'] === undefined
      ? lastOfMembers(whole)
      : standingOf(whole);
  return plainSilverOf(spec, source, hasLoads);
}

function historyOf(spec: SilverSpec, source: Table): Table {
  const type = silverTypes(spec, source.types).valid_from!;
  const { rows, ends } = versionRowsOf(source);
  const versions = rows
    .filter((row) => spec.where === undefined || WHERE[spec.where]!(row))
    .map((row) => ({ row, cells: cleaned(spec, row, source.types, true) }))
    .filter(({ cells }) => [...spec.key, 'valid_from'].every((name) => cells[name] !== null));
  const gone = ends.map((row) => ({ row, cells: { pid: row.pid ?? null } }));
  const all = [
    ...versions.map(({ row, cells }) => ({ row, cells, said: cells.valid_from! })),
    ...gone.map((each) => ({ ...each, said: null })),
  ];
  return { rows: historyWithEnds(all, spec.key, type), types: silverTypes(spec, source.types) };
}

function plainSilverOf(spec: SilverSpec, source: Table, hasLoads: boolean): Table {
  const key = spec.history === undefined ? spec.key : [...spec.key, 'valid_from'];
  const made = source.rows
    .filter((row) => spec.where === undefined || WHERE[spec.where]!(row))
    .map((row) => ({ row, cells: cleaned(spec, row, source.types, hasLoads) }))
    .filter(({ cells }) => key.every((name) => cells[name] !== null));
  const groups = group(made, ({ cells }) => key.map((name) => cells[name]).join('|'));
  const by = spec['latest-by'];
  const place = isSnapshot(source) ? ['source_offset'] : [];
  const whole = [...(hasLoads ? ['load_id'] : []), ...place, ...columnsOf(source)];
  const order = by !== undefined ? [by, ...whole] : spec.history === undefined ? [] : whole;
  const rows = groups.map(
    (each) => each.sort((a, b) => inOrder(a.row, b.row, order, source.types))[0]!.cells,
  );
  return {
    rows: spec.history === undefined ? rows : withEnds(rows, spec.key),
    types: silverTypes(spec, source.types),
  };
}

const columnsOf = ({ types }: Table) => Object.keys(types);

function cleaned(
  spec: SilverSpec,
  row: Row,
  types: Readonly<Record<string, string>>,
  hasLoads: boolean,
): Cells {
  const cells: Record<string, Cell> = {};
  for (const [name, declared] of Object.entries(spec.columns)) {
    cells[name] = clean(typeof declared === 'string' ? { from: declared } : declared, row, types);
  }
  if (hasLoads) cells.load_id = row.load_id ?? null;
  if (spec.history !== undefined) {
    const { by: from, timezone } = spec.history;
    cells.valid_from = clean({ from, ...(timezone === undefined ? {} : { timezone }) }, row, types);
  }
  return cells;
}

function clean(spec: SilverColumnSpec, row: Row, types: Readonly<Record<string, string>>): Cell {
  if (spec.sql !== undefined) {
    if (spec.sql !== UPPER) throw new Error(`who knows ${spec.sql}?`);
    return row.name === null
      ? null
      : `${row.name!.toUpperCase()}${row.grp === null ? '' : `-${row.grp}`}`;
  }
  let value = row[spec.from!] ?? null;
  if (value === null) return null;
  for (const [name, spellings] of Object.entries(spec.values ?? {})) {
    if (spellings.includes(value)) {
      value = name;
      break;
    }
  }
  if (spec.timezone !== undefined && types[spec.from!] === 'timestamp') value = localToUtc(value);
  return spec.truncate === undefined ? value : truncate(value, spec.truncate);
}

function silverTypes(
  spec: SilverSpec,
  types: Readonly<Record<string, string>>,
): Record<string, string> {
  const own = Object.entries(spec.columns).map(([name, declared]) => {
    if (typeof declared === 'string') return [name, types[declared]!];
    if (declared.sql !== undefined || declared.values !== undefined) return [name, 'text'];
    return [name, declared.timezone === undefined ? types[declared.from!]! : 'timestamptz'];
  });
  const { history } = spec;
  const moment = history && (history.timezone === undefined ? types[history.by]! : 'timestamptz');
  return {
    ...Object.fromEntries(own),
    load_id: 'bigint',
    ...(moment === undefined
      ? {}
      : { valid_from: moment, valid_to: moment, is_current: 'boolean' }),
    ...(spec.history !== undefined && spec.from === 'people' ? { previous_to: moment! } : {}),
  };
}

function dimensionOf(spec: DimensionSpec, source: Table | undefined): Table {
  if (source === undefined) return calendarOf(spec.calendar!);
  const key = spec['natural-key']!;
  const attributes =
    spec.attributes ??
    columnsOf(source).filter(
      (name) =>
        name !== 'load_id' &&
        !OF_VERSIONS.some((each) => each === name) &&
        name !== spec['changed-at'] &&
        !key.includes(name) &&
        !VERSION_COLUMNS.includes(name),
    );
  if (spec['type-2'] !== undefined) return versionsOf(spec, source, attributes);
  const names = [...key, ...attributes];
  const standing = isSnapshot(source) ? standingOf(source) : source;
  const place = isSnapshot(source) ? ['source_offset'] : [];
  const present = currentOf(standing, key).filter((row) => key.every((name) => row[name] !== null));
  const rows = group([...present], (row) => key.map((name) => row[name]).join('|')).map((each) => {
    const [last] = each.sort((a, b) =>
      inOrder(a, b, ['load_id', ...place, ...attributes], source.types),
    );
    return {
      ...Object.fromEntries(names.map((name) => [name, last![name] ?? null])),
      id: 'member',
    };
  });
  const unknown = { ...Object.fromEntries(names.map((name) => [name, null])), id: 'unknown' };
  const { is_current: _, is_ended: __, ...types } = source.types;
  return { rows: [...rows, unknown], types };
}

function calendarOf({ from, to }: { from: string; to: string }): Table {
  const rows: Cells[] = [];
  for (let ms = Date.parse(from); ms <= Date.parse(to); ms += 86_400_000) {
    rows.push({ date: new Date(ms).toISOString().slice(0, 10) });
  }
  return { rows, types: { date: 'date' } };
}

function factOf(
  task: string,
  spec: FactSpec,
  tables: ReadonlyMap<string, Table>,
  unknownKeys: Set<string>,
): { table: Table; counts: Map<string, SliceCounts> } {
  const source = tables.get(spec.from)!;
  const lookUps = Object.entries(spec.dimensions ?? {});
  const counts = new Map<string, SliceCounts>();
  const versions = isSnapshot(source) ? { ...source, rows: versionRowsOf(source).rows } : source;
  const looked = currentOf(versions, spec.key ?? []).map((row) => {
    const date = sliceOf(row[spec.date] ?? null, source.types[spec.date]!, spec);
    const slice = date ?? 'null';
    const cells: Record<string, Cell> = { date };
    let isNull = false;
    for (const [column, { dimension, by, 'as-of': asOf }] of lookUps) {
      const pairs = Object.entries(by);
      const key = pairs.map(([, from]) => row[from] ?? null);
      const members = tables.get(`gold.${dimension}`)!.rows;
      const found = members.filter((member) =>
        pairs.every(([name], i) => key[i] !== null && member[name] === key[i]),
      );
      const isThere = found.length > 0;
      const version = isHistory(tables.get(`gold.${dimension}`)!) && isThere;
      const moment = asOf === undefined ? undefined : (row[asOf] ?? null);
      const then = version ? versionAt(found, moment) : undefined;
      const parts = version ? [...key, then?.valid_from] : key;
      cells[column] = isThere && (!version || then !== undefined) ? parts.join('|') : 'unknown';
      if (key.includes(null)) isNull = true;
      else if (!isThere) unknownKeys.add(`${task} ${slice} ${column} ${JSON.stringify(key)}`);
    }
    for (const name of [...(spec.key ?? []), ...(spec.columns ?? [])])
      cells[name] = row[name] ?? null;
    const count = counts.get(slice) ?? { read: 0, nullKey: 0, unknown: 0 };
    counts.set(slice, count);
    count.read++;
    if (isNull) count.nullKey++;
    return { row, cells };
  });
  const grain = ['date', ...lookUps.map(([name]) => name), ...(spec.columns ?? [])];
  const rows =
    spec.measures === undefined
      ? looked.map(({ cells }) => cells)
      : group(looked, ({ cells }) =>
          grain.map((name) => grainOf(cells[name] ?? null)).join('|'),
        ).map((each) => ({
          ...each[0]!.cells,
          ...Object.fromEntries(
            Object.entries(spec.measures!).flatMap(([name, measure]) =>
              measured(
                name,
                measure,
                each.map(({ row }) => row),
                source.types,
              ),
            ),
          ),
        }));
  for (const row of rows) {
    if (lookUps.some(([name]) => row[name] === 'unknown'))
      counts.get(row.date ?? 'null')!.unknown++;
  }
  const types = {
    ...source.types,
    date: spec.slice === 'hour' ? 'timestamp' : 'date',
    n: 'bigint',
  };
  return { table: { rows, types }, counts };
}

/** Equal numbers are one group, however they are written. */
function grainOf(value: Cell): Cell {
  return value !== null && /^-?\d+\.\d+$/.test(value)
    ? value.replace(/\.?0+$/, '')
    : `${value === null ? '∅' : `=${value}`}`;
}

export function sliceOf(
  value: Cell,
  type: string,
  { slice = 'day', timezone }: Pick<FactSpec, 'slice' | 'timezone'>,
): Cell {
  if (value === null) return null;
  const local =
    type !== 'date' && timezone !== undefined ? utcToLocal(value) : value.replace(/\+00$/, '');
  const cut = truncate(local, slice);
  return slice === 'hour' ? cut : cut.split(' ')[0]!;
}

function measured(
  name: string,
  measure: string | { value: string; round: number },
  rows: readonly Cells[],
  types: Readonly<Record<string, string>>,
): [string, Cell][] {
  const text = typeof measure === 'string' ? measure : measure.value;
  const digits = typeof measure === 'string' ? undefined : measure.round;
  const [, aggregate, inside] = /^(\w+)\((.*)\)$/.exec(text)!;
  if (inside === '*') return [[name, String(rows.length)]];
  const column = inside!.replace('distinct ', '');
  const values = rows
    .map((row) =>
      column === 'price * qty'
        ? product(row.price ?? null, row.qty ?? null)
        : (row[column] ?? null),
    )
    .filter((value) => value !== null);
  const type = types[column] ?? 'numeric';
  const rounded = (value: Cell) => (digits === undefined ? value : round(value, digits));
  switch (aggregate) {
    case 'count':
      return [
        [name, String(inside!.startsWith('distinct') ? new Set(values).size : values.length)],
      ];
    case 'sum':
      return [[name, rounded(sum(values))]];
    case 'avg':
      return [
        [`${name}_sum`, sum(values)],
        [`${name}_count`, String(values.length)],
        ...(digits === undefined
          ? []
          : [[name, rounded(quotient(sum(values), values.length))] as [string, Cell]]),
      ];
    default: {
      const sorted = [...values].sort((a, b) => compare(a, b, type));
      return [[name, (aggregate === 'min' ? sorted[0] : sorted.at(-1)) ?? null]];
    }
  }
}
