/** Members that ended, in plain code: one member after the other, one event after the other. */
import type { Row } from './bronze.js';
import type { Cells } from './dump.js';
import type { DimensionSpec } from './project.js';
import type { Table } from './reckon.js';
import { group, inOrder, isSame } from './reckon-versions.js';
import { type Cell, compare, toMs } from './values.js';

export const isSnapshot = ({ types }: Table) => 'is_ended' in types;
export const hasGaps = ({ types }: Table) => 'previous_to' in types;

const isEnd = (row: Row) => row.is_ended === 'true';
const isAfter = (a: Cells, b: Cells) => compareLoads(a, b) > 0;

function compareLoads(a: Cells, b: Cells): number {
  return inOrder(b, a, ['load_id', 'source_offset'], {
    load_id: 'bigint',
    source_offset: 'bigint',
  });
}

export function versionRowsOf({ rows }: Table): { rows: readonly Row[]; ends: readonly Row[] } {
  return { rows: rows.filter((row) => !isEnd(row)), ends: rows.filter(isEnd) };
}

/** Versions of members that have not ended since. */
export function standingOf(table: Table): Table {
  const { rows, ends } = versionRowsOf(table);
  const isGone = (row: Row) => ends.some((end) => end.pid === row.pid && isAfter(end, row));
  return { ...table, rows: rows.filter((row) => !isGone(row)) };
}

export function lastOfMembers(table: Table): Table {
  const last = group(table.rows, (row) => row.pid!).map(
    (rows) => [...rows].sort(compareLoads).at(-1)!,
  );
  return { ...table, rows: last.filter((row) => !isEnd(row)) };
}

interface Event {
  readonly row: Cells;
  readonly cells: Cells;
  /** When it became valid, as it says; NULL of an end. */
  readonly said: Cell;
}

interface Placed {
  readonly event: Event;
  readonly isEnd: boolean;
  readonly moment: string;
}

/** When a load took effect, as a moment of the type. */
function effectiveAs(row: Cells, type: string): string {
  const moment = row.effective_at!;
  if (moment.endsWith('infinity') || type === 'timestamptz') return moment;
  const plain = moment.replace(/\+00$/, '');
  if (type === 'timestamp') return plain;
  return new Date(toMs(moment)).toISOString().slice(0, 10);
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compare(a, b, 'timestamptz') >= 0 ? a : b;
}

/** The events of one member, each at its moment, in the order of moments, one for each. */
function placeEvents(events: readonly Event[], type: string): Placed[] {
  const sorted = [...events].sort((a, b) => compareLoads(a.row, b.row));
  const placed = new Map<string, Placed>();
  // The latest moment that was said until now, and until the last end; the latest that came of it, and the last end.
  let said: string | undefined;
  let saidEnd: string | undefined;
  let latest: string | undefined;
  let end: string | undefined;
  for (const event of sorted) {
    const effective = effectiveAs(event.row, type);
    if (event.said === null) {
      said = later(said, effective);
      saidEnd = said;
      latest = later(latest, effective);
      end = latest;
      placed.set(end!, { event, isEnd: true, moment: end! });
      continue;
    }
    said = later(said, event.said);
    const isLate = saidEnd !== undefined && compare(event.said, saidEnd, 'timestamptz') <= 0;
    const put = isLate ? later(saidEnd, effective)! : event.said;
    latest = later(latest, put);
    const moment = later(put, end)!;
    placed.set(moment, { event, isEnd: false, moment });
  }
  return [...placed.values()].sort((a, b) => compare(a.moment, b.moment, 'timestamptz'));
}

/** The versions among events that follow each other. */
function boundVersions(placed: readonly Placed[], cellsOf: (each: Placed) => Cells): Cells[] {
  let previous: Cell = null;
  return placed.flatMap((each, i) => {
    if (each.isEnd) return [];
    const validTo: Cell = placed[i + 1]?.moment ?? null;
    const cells = {
      ...cellsOf(each),
      valid_from: each.moment,
      valid_to: validTo,
      is_current: String(validTo === null),
      previous_to: previous,
    };
    previous = validTo;
    return [cells];
  });
}

export function historyWithEnds(
  events: readonly Event[],
  key: readonly string[],
  type: string,
): Cells[] {
  return group(events, ({ cells }) => key.map((name) => cells[name]).join('|')).flatMap((own) =>
    boundVersions(placeEvents(own, type), ({ event }) => event.cells),
  );
}

export function versionsWithEnds(
  spec: DimensionSpec,
  source: Table,
  attributes: readonly string[],
): Table {
  const type = isSnapshot(source)
    ? spec['changed-at'] === undefined
      ? 'timestamptz'
      : source.types[spec['changed-at']]!
    : source.types.valid_from!;
  const members = group(source.rows, (row) => row.pid!);
  const rows = members.flatMap((own) => {
    const placed = isSnapshot(source) ? placedRows(spec, own, type) : placedVersions(own);
    return dimensionVersions(spec, placed, attributes, source.types);
  });
  const names = [...spec['natural-key']!, ...attributes];
  const unknown: Cells = {
    ...Object.fromEntries(names.map((name) => [name, null])),
    id: 'unknown',
    valid_from: '-infinity',
    valid_to: null,
    is_current: 'true',
    previous_to: null,
  };
  const { is_ended: _, ...types } = source.types;
  return {
    rows: [...rows, unknown],
    types: { ...types, valid_from: type, valid_to: type, is_current: 'boolean', previous_to: type },
  };
}

function placedRows(spec: DimensionSpec, rows: readonly Cells[], type: string): Placed[] {
  const at = spec['changed-at'] ?? 'effective_at';
  const events = rows.flatMap((row): Event[] => {
    const said = row.is_ended === 'true' ? null : (row[at] ?? null);
    return row.is_ended !== 'true' && said === null ? [] : [{ row, cells: row, said }];
  });
  return placeEvents(events, type);
}

/** Of a history: its versions, and its ends. */
function placedVersions(rows: readonly Cells[]): Placed[] {
  const sorted = [...rows].sort((a, b) => compare(a.valid_from!, b.valid_from!, 'timestamptz'));
  return sorted.flatMap((row, i): Placed[] => {
    const event: Event = { row, cells: row, said: row.valid_from! };
    const version: Placed = { event, isEnd: false, moment: row.valid_from! };
    const isOver = row.valid_to !== null && row.valid_to !== sorted[i + 1]?.valid_from;
    return isOver ? [version, { event, isEnd: true, moment: row.valid_to! }] : [version];
  });
}

function dimensionVersions(
  spec: DimensionSpec,
  placed: readonly Placed[],
  attributes: readonly string[],
  types: Readonly<Record<string, string>>,
): Cells[] {
  const last = placed.filter(({ isEnd: is }) => !is).at(-1)?.event.cells;
  const kept = spec['type-2']!;
  const changes = placed.filter((each, i) => {
    const before = placed[i - 1];
    if (each.isEnd || before === undefined || before.isEnd) return true;
    const [now, then] = [each.event.cells, before.event.cells];
    return kept.some((name) => !isSame(now[name] ?? null, then[name] ?? null, types[name]!));
  });
  return boundVersions(changes, ({ event: { cells } }) => ({
    ...Object.fromEntries(spec['natural-key']!.map((name) => [name, cells[name] ?? null])),
    ...Object.fromEntries(
      attributes.map((name) => [name, (kept.includes(name) ? cells : last!)[name] ?? null]),
    ),
    id: 'member',
  }));
}
