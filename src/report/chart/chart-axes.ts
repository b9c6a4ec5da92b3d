/** The axes of a chart: where their ticks are, and what is written there. */
import type * as Plot from '@observablehq/plot';
import type { X } from './chart-points.js';
import { LETTER, type Size } from './chart-shape.js';
import { axisNumber, shorten, timeTicks } from './chart-words.js';
import type { ColumnKind } from './column-kinds.js';
import { largest, smallest } from './extremes.js';
import { PERIOD_MS, periodOf } from './time-periods.js';

/** Its name stands above the chart. */
export function valueAxis(values: readonly number[], { isSmall }: Size): Plot.ScaleOptions {
  const low = smallest(values);
  const high = largest(values);
  const size = Math.max(Math.abs(low), Math.abs(high));
  const isNothing = low === 0 && high === 0;
  return {
    label: null,
    grid: isSmall !== true,
    ticks: isNothing ? 1 : isSmall === true ? 2 : 5,
    tickFormat: (value: number) => axisNumber(value, isNothing ? 1 : size),
    nice: true,
    // Of a constant there is no scale otherwise.
    ...(low === high ? { domain: low === 0 ? [0, 1] : [Math.min(0, low), Math.max(0, high)] } : {}),
  };
}

export function xAxis(
  kind: ColumnKind,
  label: string,
  xs: readonly X[],
  { width, isSmall }: Size,
): Plot.ScaleOptions {
  const common = { label: isSmall === true ? null : shorten(label, 40) };
  if (kind === 'number') {
    const most = largest(xs.map((x) => Math.abs(Number(x))));
    return {
      ...common,
      tickFormat: (value: number) => axisNumber(value, most),
      ticks: Math.floor(width / 90),
    };
  }
  if (kind === 'category') {
    // As many names as there is room for.
    const places = [...new Set(xs)];
    const longest = largest([1, ...places.map((x) => Math.min(12, String(x).length))]);
    const step = Math.max(1, Math.ceil((places.length * (longest + 1) * LETTER) / (width - 70)));
    return {
      ...common,
      // Otherwise Plot wonders whether names that look like numbers are some.
      type: 'point',
      // Plot would sort them.
      domain: places,
      tickFormat: (x: X, i: number) => (i % step === 0 ? shorten(String(x), 12) : ''),
    };
  }
  const times = xs.map(Number);
  const [first, last] = [smallest(times), largest(times)];
  const axis = {
    label: null,
    type: 'utc' as const,
    tickFormat: ((tick: Date, i: number, ticks: Date[]) =>
      timeTicks(ticks, Math.ceil((ticks.length * tickWidth(ticks)) / (width - 80)))(
        tick,
        i,
      )) as never,
  };
  if (first === last) {
    const half = PERIOD_MS[periodOf([first]) ?? 'minute'] / 2;
    return {
      ...axis,
      domain: [new Date(first - half), new Date(first + half)],
      ticks: [new Date(first)] as never,
    };
  }
  return { ...axis, ticks: Math.max(2, Math.floor(width / 90)) };
}

/** Room for the words of one tick, and some space. */
function tickWidth(ticks: readonly Date[]): number {
  const words = timeTicks(ticks, 1);
  const lines = ticks.flatMap((tick, i) => words(tick, i).split('\n'));
  return 16 + LETTER * Math.max(...lines.map((line) => line.length));
}

/** A scale of powers of ten, for values above zero that differ by much. */
export function powerAxis(values: readonly number[], { isSmall }: Size): Plot.ScaleOptions {
  const [first, last] = [
    Math.floor(Math.log10(smallest(values))),
    Math.ceil(Math.log10(largest(values))),
  ];
  const step = Math.max(1, Math.ceil((last - first) / (isSmall === true ? 2 : 7)));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += step) ticks.push(10 ** power);
  return {
    type: 'log',
    label: null,
    grid: isSmall !== true,
    ticks,
    tickFormat: (value: number) => axisNumber(value),
    domain: [10 ** first, 10 ** last],
  };
}

/** Room for the numbers beside the chart. */
export function numberMargin(values: readonly number[]): number {
  const longest = Math.max(
    ...[smallest(values), largest(values), largest(values) / 3].map((v) => axisNumber(v).length),
  );
  return Math.min(90, 20 + longest * LETTER);
}
