/** The points of a panel → what is drawn of them: the largest series or bars, and the others together. */
import type { ChartData, Panel, X } from './chart-points.js';
import { fitPeriod, startOfPeriod } from './time-periods.js';

/** Colours that people tell apart. */
export const MAX_SERIES = 8;

const MAX_BARS = 20;
const MAX_HEATMAP_ROWS = 30;
/** Others than the largest series are drawn as thin lines behind them, if they are not too many. */
const MAX_CONTEXT_POINTS = 12_000;
/** Steps in time of marks whose quantities add up; there is no room for more. */
const MAX_STEPS = { area: 400, bar: 100, heatmap: 100 } as const;
/** Of a line, more points than these are one above the other. */
const MAX_LINE_POINTS = 1500;

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
  /** Categories in their order, for marks that have a place for each. */
  readonly places: readonly X[];
  /** What was put together or left out, in words. */
  readonly notes: readonly string[];
}

type Series = ReadonlyMap<string, ReadonlyMap<X, number>>;

export function arrange(data: ChartData, panel: Panel): Drawing {
  const { mark } = data.spec;
  if (mark === 'dot') return arrangeDots(data, panel);
  const notes: string[] = [];
  let series: Series = panel.series;
  if (data.xKind === 'time' && (mark === 'area' || mark === 'bar' || mark === 'heatmap')) {
    series = coarsen(series, MAX_STEPS[mark], notes);
  }
  if (mark === 'bar' && data.xKind !== 'time') return arrangeBars(data, series, notes);
  return arrangeSeries(data, series, notes);
}

function arrangeSeries(data: ChartData, series: Series, notes: string[]): Drawing {
  const { mark, top } = data.spec;
  const most = top ?? (mark === 'heatmap' ? MAX_HEATMAP_ROWS : MAX_SERIES);
  const ranked = rank(series);
  // Instead of a single other series, that series itself.
  const isWhole = ranked.length <= Math.min(most + 1, mark === 'heatmap' ? most + 1 : MAX_SERIES);
  const shown = isWhole ? ranked : ranked.slice(0, Math.min(most, mark === 'heatmap' ? 60 : 8));
  const rest = ranked.slice(shown.length);
  let points = shown.flatMap((name) => pointsOf(name, series.get(name)!));
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
    points.push(...pointsOf(others, addUp(rest.map((name) => series.get(name)!))));
  }
  if (mark === 'line') points = thinOut(points);
  if (mark === 'area') points = fillGaps(points, others === undefined ? shown : [...shown, others]);
  return { points, series: shown, others, context: thinOut(context), places: [], notes };
}

/** Categories: a bar for each, the longest first. */
function arrangeBars(data: ChartData, series: Series, notes: string[]): Drawing {
  const { sort, top = MAX_BARS } = data.spec;
  const totals = addUp([...series.values()]);
  const places = [...totals.keys()];
  if (data.xKind === 'number') places.sort((a, b) => Number(a) - Number(b));
  else if (sort !== 'rows')
    places.sort((a, b) => Math.abs(totals.get(b)!) - Math.abs(totals.get(a)!));
  const kept = places.length <= top + 1 ? places : places.slice(0, top);
  const inner = arrangeSeries(data, series, notes);
  if (kept.length === places.length) return { ...inner, places };
  const isKept = new Set(kept);
  const points = inner.points.filter(({ x }) => isKept.has(x));
  notes.push(othersInWords(places.length, kept, totals));
  return { ...inner, places: kept, points };
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
  return { points, series: shown, others, context: [], places: [], notes: [] };
}

/** The names of series, the largest first; of equal ones, as in the report. */
function rank(series: Series): string[] {
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
function coarsen(series: Series, most: number, notes: string[]): Series {
  const times = new Set<X>();
  for (const points of series.values()) for (const x of points.keys()) times.add(x);
  if (times.size <= most) return series;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const time of times) {
    first = Math.min(first, Number(time));
    last = Math.max(last, Number(time));
  }
  const period = fitPeriod(last - first, most);
  notes.push(`The chart has a sum for each ${period}; the table has every value.`);
  const longer = new Map<string, Map<X, number>>();
  for (const [name, points] of series) {
    const sums = new Map<X, number>();
    for (const [x, y] of points) {
      const start = startOfPeriod(Number(x), period);
      sums.set(start, (sums.get(start) ?? 0) + y);
    }
    longer.set(name, sums);
  }
  return longer;
}

/** A stack needs each series at each x. */
function fillGaps(points: readonly DrawnPoint[], series: readonly string[]): DrawnPoint[] {
  const filled = new Map(series.map((name) => [name, new Map<X, number>()]));
  const places = [...new Set(points.map(({ x }) => x))];
  if (typeof places[0] === 'number') places.sort((a, b) => Number(a) - Number(b));
  for (const { x, y, series: name } of points) filled.get(name)?.set(x, y);
  return series.flatMap((name) =>
    places.map((x) => ({ x, y: filled.get(name)?.get(x) ?? 0, series: name })),
  );
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
