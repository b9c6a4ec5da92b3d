/** The points of a panel → what is drawn of them: the largest series or bars, and the others together. */

import { PERIODS, type Period } from './chart-line.js';
import type { ChartData, Panel, X } from './chart-points.js';
import { NO_VALUE } from './chart-words.js';
import { toMilliseconds } from './column-kinds.js';
import { largest, smallest } from './extremes.js';
import { fitPlaces } from './fit-places.js';
import { coarsen, endOfPeriod, fitPeriod, periodOf, startOfPeriod } from './time-periods.js';

/** Colours that people tell apart. */
const MAX_SERIES = 8;

const MAX_BARS = 20;
const MAX_HEATMAP_ROWS = 30;
/** Others than the largest series are drawn as thin lines behind them, if they are not too many. */
const MAX_CONTEXT_POINTS = 12_000;
/** Steps in time of marks whose quantities add up; there is no room for more. */
const MAX_STEPS = { line: 750, area: 400, bar: 100, heatmap: 100 } as const;
/** Of a line, more points than these are one above the other. */
const MAX_LINE_POINTS = 1500;

/** From here on the smaller values could not be told apart on a linear scale. */
const LOG_RATIO = 30;

export interface DrawnPoint {
  readonly x: X;
  readonly y: number;
  readonly series: string;
}

export interface Drawing {
  readonly points: readonly DrawnPoint[];
  /** The order of the colours. */
  readonly series: readonly string[];
  /** The name that stands for all others, if any. */
  readonly others?: string | undefined;
  /** Points of lines in the background. */
  readonly context: readonly DrawnPoint[];
  /** Categories in their order; empty where x is a time, or a number without a bar for each. */
  readonly places: readonly X[];
  /** Whether equal steps of the scale are equal multiples. */
  readonly isLog?: boolean;
  /** What was put together or left out, in words. */
  readonly notes: readonly string[];
}

type Series = ReadonlyMap<string, ReadonlyMap<X, number>>;

export function arrange(data: ChartData, panel: Panel): Drawing {
  const { mark } = data.spec;
  if (mark === 'dot') return arrangeDots(data, panel);
  const notes: string[] = [];
  let series: Series = panel.series;
  const addsUp = mark === 'area' || mark === 'bar' || mark === 'heatmap';
  if (data.xKind === 'time' && (addsUp || (mark === 'line' && data.spec.per === 'fit'))) {
    series = fitSteps(series, mark, notes);
  }
  if (mark === 'bar' && data.xKind !== 'time') return arrangeBars(data, series, notes);
  return arrangeSeries(data, fitPlaces(data, series, notes), notes);
}

function arrangeSeries(data: ChartData, series: Series, notes: string[]): Drawing {
  const { mark, top } = data.spec;
  const most = top ?? (mark === 'heatmap' ? MAX_HEATMAP_ROWS : MAX_SERIES);
  const ranked = rank(series, data.seriesOrder);
  // Instead of a single other series, that series itself.
  const isWhole = ranked.length <= Math.min(most + 1, mark === 'heatmap' ? most + 1 : MAX_SERIES);
  const shown = isWhole ? ranked : ranked.slice(0, Math.min(most, mark === 'heatmap' ? 60 : 8));
  const rest = ranked.slice(shown.length);
  let points = shown.flatMap((name) => pointsOf(name, series.get(name) ?? new Map()));
  let others: string | undefined;
  let context: DrawnPoint[] = [];
  if (rest.length > 0 && mark === 'line') {
    context = rest.flatMap((name) => pointsOf(name, series.get(name)!));
    const isDrawn = context.length <= MAX_CONTEXT_POINTS;
    if (!isDrawn) context = [];
    notes.push(
      `The ${shown.length} largest of ${ranked.length} series have colours; the others are ${isDrawn ? 'thin lines behind them' : 'not drawn'}.`,
    );
  } else if (rest.length > 0) {
    others = rest.length === 1 ? rest[0]! : `${rest.length} others`;
    if (mark === 'heatmap') {
      notes.push(
        `The chart shows the ${shown.length} largest of ${ranked.length} values of ${data.spec.y[0]}; the others are in the table.`,
      );
    }
    points = points.concat(pointsOf(others, addUp(rest.map((name) => series.get(name)!))));
  }
  const places = data.xKind === 'category' ? drawnPlaces(data, [...points, ...context]) : [];
  points = inOrderOf(places, points);
  context = inOrderOf(places, context);
  if (mark === 'line') points = thinOut(points);
  if (mark === 'area') {
    const all = others === undefined ? shown : [...shown, others];
    points = fillGaps(points, places, all, data.xKind === 'time');
  }
  const rows = mark === 'heatmap' ? rowsInOrder(shown) : shown;
  return { points, series: rows, others, context: thinOut(context), places, notes };
}

/**
 * Rows of a heat map that are numbers, such as hours, or dates have their own order; all others stay, the largest
 * first. What has no value is last.
 */
function rowsInOrder(names: readonly string[]): readonly string[] {
  const known = names.filter((name) => name !== NO_VALUE);
  const order = [toNumber, toMilliseconds].find((placeOf) =>
    known.every((name) => placeOf(name) !== undefined),
  );
  if (order === undefined) return names;
  const rest = names.filter((name) => name === NO_VALUE);
  return [...known.sort((a, b) => order(a)! - order(b)!), ...rest];
}

function toNumber(text: string): number | undefined {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(number) ? undefined : number;
}

/** Names have the order of the report; alphabetical, days and months would be mixed up. */
function drawnPlaces(data: ChartData, points: readonly { readonly x: X }[]): X[] {
  const drawn = new Set(points.map(({ x }) => x));
  return data.places.filter((place) => drawn.has(place));
}

/** A line goes from name to name as they stand along x; its series stay together. */
function inOrderOf(places: readonly X[], points: readonly DrawnPoint[]): DrawnPoint[] {
  if (places.length === 0) return [...points];
  const index = new Map(places.map((place, i) => [place, i]));
  return [...groupBy(points, ({ series }) => series).values()].flatMap((line) =>
    line.sort((a, b) => index.get(a.x)! - index.get(b.x)!),
  );
}

/** A bar for each name, the longest first, or for each number; as the report has them where that is asked for. */
function arrangeBars(data: ChartData, series: Series, notes: string[]): Drawing {
  const { sort = data.xKind === 'number' ? undefined : 'value', top = MAX_BARS } = data.spec;
  const totals = addUp([...series.values()]);
  // The points stand series by series; bars of the same length keep the order of the report, too.
  const inReport = data.places.filter((place) => totals.has(place));
  const byLength = inReport.toSorted((a, b) => Math.abs(totals.get(b)!) - Math.abs(totals.get(a)!));
  const ranked = sort === 'rows' ? inReport : byLength;
  const kept = ranked.length <= top + 1 ? ranked : ranked.slice(0, top);
  const places = sort === undefined ? kept.toSorted((a, b) => Number(a) - Number(b)) : kept;
  const inner = arrangeSeries(data, series, notes);
  if (kept.length === ranked.length) return { ...inner, places };
  const isKept = new Set(kept);
  const points = inner.points.filter(({ x }) => isKept.has(x));
  notes.push(othersInWords(ranked.length, kept, totals));
  return { ...inner, places, points };
}

/** As a bar, all others together would dwarf those that are told apart. */
function othersInWords(count: number, kept: readonly X[], totals: ReadonlyMap<X, number>): string {
  const all = [...totals.values()].reduce((sum, y) => sum + y, 0);
  const shown = kept.reduce<number>((sum, x) => sum + totals.get(x)!, 0);
  const isPlain = [...totals.values()].every((y) => y >= 0) && all > 0;
  const share = isPlain ? `: ${(100 - (100 * shown) / all).toFixed(1)} % of the sum of all` : '';
  return `The chart shows ${kept.length} of ${count} bars; the others are in the table${share}.`;
}

function arrangeDots(data: ChartData, panel: Panel): Drawing {
  const counts = new Map<string, Map<X, number>>();
  for (const { series } of panel.dots) {
    counts.set(series, new Map([['', (counts.get(series)?.get('') ?? 0) + 1]]));
  }
  const ranked = rank(counts);
  const shown = ranked.slice(0, ranked.length <= MAX_SERIES ? MAX_SERIES : (data.spec.top ?? 7));
  const others =
    ranked.length > shown.length ? `${ranked.length - shown.length} others` : undefined;
  const isShown = new Set(shown);
  const points = panel.dots.map((dot) =>
    isShown.has(dot.series) ? dot : { ...dot, series: others! },
  );
  const places = data.xKind === 'category' ? drawnPlaces(data, points) : [];
  const drawing = { points, series: shown, others, context: [], places, notes: [] };
  return data.spec.scale === 'log' ? onPowers(drawing) : drawing;
}

/** A logarithmic scale has no place for zero; values of about the same size need none. */
function onPowers(drawing: Drawing): Drawing {
  const points = drawing.points.filter(({ y }) => y > 0);
  const values = points.map(({ y }) => y);
  if (!(largest(values) >= LOG_RATIO * smallest(values))) return drawing;
  const rest = drawing.points.length - points.length;
  const isOne = rest === 1;
  const without = `; ${rest} ${isOne ? 'value' : 'values'} not above 0 ${isOne ? 'is' : 'are'} not drawn`;
  const note = `The scale is logarithmic: each line stands for a multiple of the one below${rest === 0 ? '' : without}.`;
  return { ...drawing, points, isLog: true, notes: [note] };
}

/** The names of series, the largest first; of equal ones, as in the report. */
function rank(series: Series, order?: readonly string[]): string[] {
  if (order !== undefined) return order.filter((name) => series.has(name) || name !== order.at(-1));
  const size = new Map(
    [...series].map(([name, points]) => [
      name,
      [...points.values()].reduce((sum, y) => sum + Math.abs(y), 0),
    ]),
  );
  return [...series.keys()].sort((a, b) => size.get(b)! - size.get(a)!);
}

function pointsOf(series: string, points: ReadonlyMap<X, number>): DrawnPoint[] {
  const list = [...points].map(([x, y]) => ({ x, y, series }));
  return typeof list[0]?.x === 'number' ? list.sort((a, b) => Number(a.x) - Number(b.x)) : list;
}

function addUp(parts: readonly ReadonlyMap<X, number>[]): Map<X, number> {
  const sums = new Map<X, number>();
  for (const part of parts) for (const [x, y] of part) sums.set(x, (sums.get(x) ?? 0) + y);
  return sums;
}

/** Sums of longer periods, where there are more moments than room. */
function fitSteps(series: Series, mark: keyof typeof MAX_STEPS, notes: string[]): Series {
  const most = MAX_STEPS[mark];
  const times = [...new Set([...series.values()].flatMap((points) => [...points.keys()]))].map(
    Number,
  );
  if (times.length <= most) return series;
  // A line takes no room where nothing is, bars and cells do.
  const period =
    mark === 'line'
      ? (PERIODS.find((unit) => countPeriods(times, unit) <= most) ?? 'year')
      : fitPeriod(largest(times) - smallest(times), most);
  notes.push(`The chart has a sum for each ${period}; the table has every value.`);
  return coarsen(series, period);
}

function countPeriods(times: readonly number[], period: Period): number {
  return new Set(times.map((time) => startOfPeriod(time, period))).size;
}

/** A stack needs each series at each x, and nothing where nothing is. */
function fillGaps(
  points: readonly DrawnPoint[],
  inOrder: readonly X[],
  series: readonly string[],
  isTime: boolean,
): DrawnPoint[] {
  const filled = new Map(series.map((name) => [name, new Map<X, number>()]));
  const places =
    inOrder.length > 0 ? inOrder : withEdges([...new Set(points.map(({ x }) => x))], isTime);
  for (const { x, y, series: name } of points) filled.get(name)?.set(x, y);
  return series.flatMap((name) =>
    places.map((x) => ({ x, y: filled.get(name)?.get(x) ?? 0, series: name })),
  );
}

/** In order; of times with a rhythm, with those at which a gap begins and ends. */
function withEdges(places: readonly X[], isTime: boolean): X[] {
  if (typeof places[0] !== 'number') return [...places];
  const sorted = places.map(Number).sort((a, b) => a - b);
  const period = isTime ? periodOf(sorted) : undefined;
  if (period === undefined) return sorted;
  return sorted.flatMap((time, i) => {
    const next = sorted[i + 1];
    const end = endOfPeriod(time, period);
    if (next === undefined || end >= next) return [time];
    const before = startOfPeriod(next - 1, period);
    return end === before ? [time, end] : [time, end, before];
  });
}

/** Of each piece of a line as wide as a pixel, only its first, lowest, highest and last point: the same picture. */
function thinOut(points: readonly DrawnPoint[]): DrawnPoint[] {
  const bySeries = groupBy(points, ({ series }) => series);
  return [...bySeries.values()].flatMap((line) => {
    if (line.length <= MAX_LINE_POINTS || typeof line[0]?.x !== 'number') return line;
    const first = Number(line[0].x);
    const width = (Number(line.at(-1)!.x) - first) / (MAX_LINE_POINTS / 4);
    const columns = groupBy(line, ({ x }) => Math.floor((Number(x) - first) / width));
    return [...columns.values()].flatMap((column) => {
      const lowest = column.reduce((a, b) => (b.y < a.y ? b : a));
      const highest = column.reduce((a, b) => (b.y > a.y ? b : a));
      const kept = new Set([column[0]!, lowest, highest, column.at(-1)!]);
      return column.filter((point) => kept.has(point));
    });
  });
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
