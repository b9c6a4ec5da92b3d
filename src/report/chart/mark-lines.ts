/** Lines, and the same as stacked areas. */
import * as Plot from '@observablehq/plot';
import { numberMargin, valueAxis, xAxis } from './chart-axes.js';
import { limitAcross } from './chart-limit.js';
import type { Period } from './chart-line.js';
import type { Drawing, DrawnPoint } from './chart-series.js';
import {
  atX,
  colourScale,
  namesOf,
  OTHERS_COLOUR,
  type Plan,
  placesOf,
  type Shape,
  stackSums,
} from './chart-shape.js';
import { largest, smallest } from './extremes.js';
import { PERIOD_MS } from './time-periods.js';

/** How many of its usual steps a line goes on without a point. */
const LONGEST_BRIDGE = 8;

export function lines({ spec, xKind, drawing, size, period, titleOf }: Plan): Shape {
  const { points, context } = drawing;
  const values = [...points, ...context].map(({ y }) => y);
  const x = (point: DrawnPoint) => atX(point, xKind);
  const isSparse = new Set(points.map((point) => point.x)).size <= 40;
  const isArea = spec.mark === 'area';
  const gaps = period === undefined ? [] : gapsOf(points, period);
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
      Plot.line(broken(context, gaps), {
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
    marks.push(
      Plot.areaY(points, {
        x,
        y: 'y',
        fill: 'series',
        z: 'series',
        order: namesOf(drawing),
        fillOpacity: 0.85,
      }),
    );
  } else {
    marks.push(
      Plot.line(broken(shown, gaps).toReversed(), {
        x,
        y: 'y',
        z: 'series',
        stroke: 'series',
        strokeWidth: size.isSmall === true ? 1.5 : 2,
      }),
    );
  }
  const lonely = isArea ? [] : lonelyPoints(shown, gaps);
  if (lonely.length > 0) {
    marks.push(Plot.dot(lonely, { x, y: 'y', fill: 'series', r: 1.5 }));
  }
  if (isSingle(drawing) || (isSparse && size.isSmall !== true && !isArea)) {
    marks.push(Plot.dot(points, { x, y: 'y', fill: 'series', r: 2.5, title: titleOf }));
  }
  marks.push(...limitAcross(spec, values));
  return {
    marks,
    options: {
      color: colourScale(drawing),
      marginLeft: numberMargin(isArea ? stackSums(points) : values),
      marginBottom: 36,
      x: xAxis(xKind, spec.x!, placesOf(drawing), size),
      y: {
        ...valueAxis(isArea ? [0, ...stackSums(points)] : values, size),
        ...(hasZero ? { zero: true } : {}),
      },
    },
  };
}

/** The last moments before stretches in which nothing is known, which a line must not bridge. */
function gapsOf(points: readonly DrawnPoint[], period: Period): number[] {
  const times = [...new Set(points.map(({ x }) => Number(x)))].sort((a, b) => a - b);
  const steps = times.slice(1).map((time, i) => time - times[i]!);
  if (steps.length < 2) return [];
  const usual = steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)]!;
  const longest = LONGEST_BRIDGE * Math.max(usual, PERIOD_MS[period]);
  return times.filter((_, i) => (steps[i] ?? 0) > longest);
}

/** Between the points on both sides of a gap one that has no place, where Plot ends the line. */
function broken(points: readonly DrawnPoint[], gaps: readonly number[]): DrawnPoint[] {
  if (gaps.length === 0) return [...points];
  return points.flatMap((point, i) => {
    const next = points[i + 1];
    if (next?.series !== point.series || !isGapBetween(point, next, gaps)) return [point];
    return [point, { ...point, y: Number.NaN }];
  });
}

function isGapBetween(a: DrawnPoint, b: DrawnPoint, gaps: readonly number[]): boolean {
  return gaps.some((gap) => Number(a.x) <= gap && gap < Number(b.x));
}

/** What stands alone between two gaps, and so is no line. */
function lonelyPoints(points: readonly DrawnPoint[], gaps: readonly number[]): DrawnPoint[] {
  if (gaps.length === 0) return [];
  const isApart = (point: DrawnPoint, other: DrawnPoint | undefined) =>
    other?.series !== point.series ||
    isGapBetween(point, other, gaps) ||
    isGapBetween(other, point, gaps);
  return points.filter(
    (point, i) => isApart(point, points[i - 1]) && isApart(point, points[i + 1]),
  );
}

/** An area needs two places. */
export function isSingle({ points }: Drawing): boolean {
  return new Set(points.map(({ x }) => x)).size === 1;
}
