/** A drawing → SVG, with Observable Plot. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { ChartSpec, Period } from './chart-line.js';
import type { X } from './chart-points.js';
import type { Drawing, DrawnPoint } from './chart-series.js';
import { axisNumber, fullNumber, fullTime, shorten, timeTicks } from './chart-words.js';
import type { ColumnKind } from './column-kinds.js';
import { endOfPeriod, fitPeriod, PERIOD_MS, periodOf } from './time-periods.js';

export interface Size {
  readonly width: number;
  readonly height: number;
  /** Without axes' names, grid and background lines: to be recognized, not to be read. */
  readonly isSmall?: boolean;
}

/** Pixels of a letter of the axes' text, on average. */
const LETTER = 6.4;
const HEAT_STEPS = 9;
/** Each bar of categories, with the space behind it. */
const BAR_HEIGHT = 24;

/** The colours are variables of the page, which has light and dark ones. */
export const OTHERS_COLOUR = 'var(--others)';
export const colourOf = (index: number): string => `var(--series-${index + 1})`;

interface Shape {
  readonly marks: Plot.Markish[];
  readonly options: Plot.PlotOptions;
}

interface Plan {
  readonly spec: ChartSpec;
  readonly xKind: ColumnKind;
  readonly drawing: Drawing;
  readonly size: Size;
  /** How finely moments are told apart. */
  readonly period: Period | undefined;
  readonly titleOf: (point: DrawnPoint) => string;
}

/** @returns text of an `svg` element without a style of its own; its words are escaped */
export function drawSvg(
  spec: ChartSpec,
  xKind: ColumnKind,
  drawing: Drawing,
  size: Size,
  label: string,
): string {
  const period = xKind === 'time' ? periodOf(drawing.points.map(({ x }) => Number(x))) : undefined;
  const name = (x: X) => (xKind === 'time' ? fullTime(Number(x), period) : String(x));
  const titleOf = ({ x, y, series }: DrawnPoint) =>
    drawing.series.length > 1 || spec.mark === 'heatmap'
      ? `${series}\n${name(x)}: ${fullNumber(y)}`
      : `${name(x)}: ${fullNumber(y)}`;
  const { marks, options } = shapeOf({ spec, xKind, drawing, size, period, titleOf });
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    document: document as never,
    width: size.width,
    height: size.height,
    className: 'plot',
    style: { fontSize: '12px' },
    marginTop: 12,
    marginRight: 16,
    ...options,
    marks,
  });
  svg.querySelector('style')?.remove();
  for (const attribute of ['style', 'width', 'height']) svg.removeAttribute(attribute);
  svg.setAttribute('font-size', '12');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  // Its parts would be read one by one.
  for (const part of svg.querySelectorAll('[aria-label]')) part.removeAttribute('aria-label');
  return svg.outerHTML;
}

function shapeOf(plan: Plan): Shape {
  switch (plan.spec.mark) {
    case 'bar':
      return bars(plan);
    case 'heatmap':
      return heatmap(plan);
    case 'histogram':
      return histogram(plan);
    case 'dot':
      return dots(plan);
    case 'area':
      return isSingle(plan.drawing) ? bars(plan) : lines(plan);
    default:
      return lines(plan);
  }
}

/** An area needs two places. */
function isSingle({ points }: Drawing): boolean {
  return new Set(points.map(({ x }) => x)).size === 1;
}

function bars(plan: Plan): Shape {
  return plan.xKind === 'time' ? timeBars(plan) : categoryBars(plan);
}

function colourScale({ series, others }: Drawing): Plot.ScaleOptions {
  const names = others === undefined ? series : [...series, others];
  return {
    type: 'ordinal',
    domain: [...names],
    range: names.map((name, i) => (name === others ? OTHERS_COLOUR : colourOf(i))),
  };
}

/** Where a value becomes a place: moments are dates for Plot. */
const atX = ({ x }: DrawnPoint, kind: ColumnKind) => (kind === 'time' ? new Date(Number(x)) : x);

/** Its name stands above the chart. */
function valueAxis(values: readonly number[], { isSmall }: Size): Plot.ScaleOptions {
  const low = smallest(values);
  const high = largest(values);
  const size = Math.max(Math.abs(low), Math.abs(high));
  return {
    label: null,
    grid: isSmall !== true,
    ticks: isSmall === true ? 2 : 5,
    tickFormat: (value: number) => axisNumber(value, size),
    nice: true,
    // Of a constant there is no scale otherwise.
    ...(low === high ? { domain: low === 0 ? [0, 1] : [Math.min(0, low), Math.max(0, high)] } : {}),
  };
}

function xAxis(
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
    const longest = Math.max(...xs.map((x) => Math.min(12, String(x).length)), 1);
    const step = Math.max(1, Math.ceil((new Set(xs).size * longest * LETTER) / (width - 70)));
    return {
      ...common,
      // Otherwise Plot wonders whether names that look like numbers are some.
      type: 'point',
      tickFormat: (x: string, i: number) => (i % step === 0 ? shorten(x, 12) : ''),
    };
  }
  const times = xs.map(Number);
  const [first, last] = [smallest(times), largest(times)];
  const axis = {
    label: null,
    type: 'utc' as const,
    tickFormat: ((tick: Date, i: number, ticks: Date[]) =>
      timeTicks(ticks, Math.ceil((ticks.length * 62) / (width - 80)))(tick, i)) as never,
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

function smallest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function largest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}

/** Room for the numbers beside the chart. */
function numberMargin(values: readonly number[]): number {
  const longest = Math.max(
    ...[smallest(values), largest(values), largest(values) / 3].map((v) => axisNumber(v).length),
  );
  return Math.min(90, 20 + longest * LETTER);
}

function lines({ spec, xKind, drawing, size, titleOf }: Plan): Shape {
  const { points, context } = drawing;
  const values = [...points, ...context].map(({ y }) => y);
  const x = (point: DrawnPoint) => atX(point, xKind);
  const isSparse = new Set(points.map((point) => point.x)).size <= 40;
  const isArea = spec.mark === 'area';
  const hasZero = isArea || (smallest(values) >= 0 && smallest(values) < 0.7 * largest(values));
  // A picture of a thumb's size has room for few lines.
  const shown =
    size.isSmall === true
      ? points.filter(({ series }) => drawing.series.indexOf(series) < 3)
      : points;
  const marks: Plot.Markish[] = [];
  if (hasZero || smallest(values) < 0) marks.push(Plot.ruleY([0], { stroke: 'var(--axis)' }));
  if (!isArea && size.isSmall !== true) {
    marks.push(
      Plot.line(context, {
        x,
        y: 'y',
        z: 'series',
        stroke: OTHERS_COLOUR,
        strokeWidth: 0.8,
        strokeOpacity: 0.45,
      }),
    );
  }
  if (isArea) {
    const order =
      drawing.others === undefined ? drawing.series : [...drawing.series, drawing.others];
    marks.push(
      Plot.areaY(points, {
        x,
        y: 'y',
        fill: 'series',
        z: 'series',
        order: [...order],
        fillOpacity: 0.85,
      }),
    );
  } else {
    marks.push(
      Plot.line(shown.toReversed(), {
        x,
        y: 'y',
        z: 'series',
        stroke: 'series',
        strokeWidth: size.isSmall === true ? 1.5 : 2,
      }),
    );
  }
  if (isSingle(drawing) || (isSparse && size.isSmall !== true && !isArea)) {
    marks.push(Plot.dot(points, { x, y: 'y', fill: 'series', r: 2.5, title: titleOf }));
  }
  return {
    marks,
    options: {
      color: colourScale(drawing),
      marginLeft: numberMargin(isArea ? stackSums(points) : values),
      marginBottom: 36,
      x: xAxis(
        xKind,
        spec.x!,
        points.map((point) => point.x),
        size,
      ),
      y: {
        ...valueAxis(isArea ? [0, ...stackSums(points)] : values, size),
        ...(hasZero ? { zero: true } : {}),
      },
    },
  };
}

/** How far the stacks reach; what is below zero is a stack of its own. */
function stackSums(points: readonly DrawnPoint[]): number[] {
  const above = new Map<X, number>();
  const below = new Map<X, number>();
  for (const { x, y } of points) {
    const sums = y < 0 ? below : above;
    sums.set(x, (sums.get(x) ?? 0) + y);
  }
  return [...above.values(), ...below.values()];
}

function timeBars({ spec, drawing, size, period, titleOf }: Plan): Shape {
  const { points } = drawing;
  const times = points.map(({ x }) => Number(x));
  // Of moments without a rhythm, bars as wide as suits the stretch.
  const step = period ?? fitPeriod(largest(times) - smallest(times), 100);
  const order = drawing.others === undefined ? drawing.series : [...drawing.series, drawing.others];
  return {
    marks: [
      Plot.rectY(points, {
        x1: ({ x }: DrawnPoint) => new Date(Number(x)),
        x2: ({ x }: DrawnPoint) => new Date(endOfPeriod(Number(x), step)),
        y: 'y',
        fill: 'series',
        order: [...order],
        insetLeft: 0.5,
        insetRight: 0.5,
        title: titleOf,
      }),
      Plot.ruleY([0], { stroke: 'var(--axis)' }),
    ],
    options: {
      color: colourScale(drawing),
      marginLeft: numberMargin(stackSums(points)),
      marginBottom: 36,
      x: xAxis('time', spec.x!, [...times, ...times.map((time) => endOfPeriod(time, step))], size),
      y: valueAxis([0, ...stackSums(points)], size),
    },
  };
}

function categoryBars({ drawing, size, titleOf }: Plan): Shape {
  const { points } = drawing;
  const places = drawing.places.length > 0 ? drawing.places : points.map(({ x }) => x);
  const letters = Math.floor((size.width * 0.38) / LETTER);
  const longest = Math.max(
    ...places.map((place) => Math.min(letters, [...String(place)].length)),
    1,
  );
  const order = drawing.others === undefined ? drawing.series : [...drawing.series, drawing.others];
  const isSmall = size.isSmall === true;
  const marks: Plot.Markish[] = [
    Plot.barX(points, {
      x: 'y',
      y: ({ x }: DrawnPoint) => String(x),
      fill: 'series',
      order: [...order],
      insetTop: isSmall ? 1 : 2,
      insetBottom: isSmall ? 1 : 2,
      title: titleOf,
    }),
    Plot.ruleX([0], { stroke: 'var(--axis)' }),
  ];
  return {
    marks,
    options: {
      height: isSmall ? size.height : 52 + places.length * BAR_HEIGHT,
      color: colourScale(drawing),
      marginLeft: isSmall ? 8 : 14 + longest * (LETTER + 0.5),
      marginBottom: isSmall ? 20 : 36,
      x: {
        ...valueAxis([0, ...stackSums(points)], size),
        ticks: Math.max(2, Math.floor(size.width / 110)),
      },
      y: {
        type: 'band',
        domain: places.map(String),
        label: null,
        tickFormat: (place: string) => shorten(place, letters),
        tickSize: 0,
        ...(isSmall ? { axis: null } : {}),
      },
    },
  };
}

function heatmap({ spec, xKind, drawing, size, period, titleOf }: Plan): Shape {
  const { points, series, others } = drawing;
  const rows = others === undefined ? series : [...series, others];
  const letters = Math.floor((size.width * 0.32) / LETTER);
  const longest = Math.max(...rows.map((row) => Math.min(letters, [...row].length)), 1);
  const isSmall = size.isSmall === true;
  // The others together would outshine all.
  const drawn = points.filter(({ series: name }) => name !== others);
  const values = drawn.map(({ y }) => y);
  const [low, high] = [Math.min(0, smallest(values)), largest(values)];
  const steps = Array.from(
    { length: HEAT_STEPS - 1 },
    (_, i) => low + ((high - low || 1) * (i + 1)) / HEAT_STEPS,
  );
  const step = xKind === 'time' ? (period ?? fitPeriod(spanOf(points), 100)) : undefined;
  const common = {
    y: 'series',
    fill: 'y',
    inset: 0.5,
    title: titleOf,
  };
  return {
    marks: [
      step === undefined
        ? Plot.cell(drawn, { ...common, x: 'x' })
        : Plot.barX(drawn, {
            ...common,
            x1: ({ x }: DrawnPoint) => new Date(Number(x)),
            x2: ({ x }: DrawnPoint) => new Date(endOfPeriod(Number(x), step)),
          }),
    ],
    options: {
      height: isSmall ? size.height : 70 + rows.length * 22,
      color: {
        type: 'threshold',
        domain: steps,
        range: Array.from({ length: HEAT_STEPS }, (_, i) => `var(--heat-${i + 1})`),
      },
      marginLeft: isSmall ? 8 : 14 + longest * (LETTER + 0.5),
      marginTop: 10,
      marginBottom: 40,
      x: {
        ...xAxis(
          step === undefined ? 'category' : 'time',
          spec.x!,
          [
            ...points.map(({ x }) => x),
            ...(step === undefined ? [] : points.map(({ x }) => endOfPeriod(Number(x), step))),
          ],
          size,
        ),
        ...(step === undefined ? { type: 'band' as const } : {}),
      },
      y: {
        type: 'band',
        domain: rows.filter((row) => row !== others),
        label: null,
        tickSize: 0,
        tickFormat: (row: string) => shorten(row, letters),
        ...(isSmall ? { axis: null } : {}),
      },
    },
  };
}

function spanOf(points: readonly DrawnPoint[]): number {
  const times = points.map(({ x }) => Number(x));
  return largest(times) - smallest(times);
}

function histogram({ spec, drawing, size, titleOf }: Plan): Shape {
  const { points } = drawing;
  const isCounted = spec.y.length > 0;
  const width = narrowest(points);
  const mark = isCounted
    ? // Each bar reaches up to the next one.
      Plot.rectY(points, {
        x1: 'x',
        x2: ({ x }: DrawnPoint) => Number(x) + width,
        y: 'y',
        fill: colourOf(0),
        insetLeft: 0.5,
        insetRight: 0.5,
        title: titleOf,
      })
    : Plot.rectY(
        points,
        Plot.binX({ y: 'sum' }, {
          x: 'x',
          y: 'y',
          fill: colourOf(0),
          thresholds: 30,
          inset: 0.5,
        } as Plot.BinXInputs<Plot.RectYOptions>),
      );
  return {
    marks: [mark, Plot.ruleY([0], { stroke: 'var(--axis)' })],
    options: {
      marginLeft: isCounted ? numberMargin(points.map(({ y }) => y)) : 56,
      marginBottom: 40,
      x: xAxis(
        'number',
        spec.x!,
        points.map(({ x }) => x),
        size,
      ),
      y: { ...valueAxis(isCounted ? [0, ...points.map(({ y }) => y)] : [0, 1], size), zero: true },
    },
  };
}

/** The least distance of two neighbours: how wide the bars are. */
function narrowest(points: readonly DrawnPoint[]): number {
  const places = [...new Set(points.map(({ x }) => Number(x)))].sort((a, b) => a - b);
  const gaps = places.slice(1).map((place, i) => place - places[i]!);
  return gaps.length === 0 ? 1 : smallest(gaps);
}

function dots({ spec, xKind, drawing, size, titleOf }: Plan): Shape {
  const { points } = drawing;
  const values = points.map(({ y }) => y);
  return {
    marks: [
      Plot.dot(points, {
        x: (point: DrawnPoint) => atX(point, xKind),
        y: 'y',
        fill: 'series',
        fillOpacity: 0.8,
        r: points.length > 500 ? 2 : 3.5,
        title: titleOf,
      }),
    ],
    options: {
      color: colourScale(drawing),
      marginLeft: numberMargin(values),
      marginBottom: 40,
      x: {
        ...xAxis(
          xKind,
          spec.x!,
          points.map((point) => point.x),
          size,
        ),
        ...(xKind === 'number' ? { nice: true } : {}),
      },
      y: valueAxis(values, size),
    },
  };
}
