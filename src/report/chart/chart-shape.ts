/** What the marks of a chart share: what they draw, in which size and colours. */
import type * as Plot from '@observablehq/plot';
import type { ChartSpec, Period } from './chart-line.js';
import type { X } from './chart-points.js';
import type { Drawing, DrawnPoint } from './chart-series.js';
import type { ColumnKind } from './column-kinds.js';
import { largest, smallest } from './extremes.js';

export interface Size {
  readonly width: number;
  readonly height: number;
  /** Without axes' names, grid and background lines: to be recognized, not to be read. */
  readonly isSmall?: boolean;
}

/** Pixels of a letter of the axes' text, on average. */
export const LETTER = 6.4;

/** The colours are variables of the page, which has light and dark ones. */
export const OTHERS_COLOUR = 'var(--others)';
export const colourOf = (index: number): string => `var(--series-${index + 1})`;

export interface Shape {
  readonly marks: Plot.Markish[];
  readonly options: Plot.PlotOptions;
}

export interface Plan {
  readonly spec: ChartSpec;
  readonly xKind: ColumnKind;
  readonly drawing: Drawing;
  readonly size: Size;
  /** How finely moments are told apart. */
  readonly period: Period | undefined;
  readonly titleOf: (point: DrawnPoint) => string;
}

/** All series in the order of the colours, the others last. */
export function namesOf({ series, others }: Drawing): string[] {
  return others === undefined ? [...series] : [...series, others];
}

export function colourScale(drawing: Drawing): Plot.ScaleOptions {
  const names = namesOf(drawing);
  return {
    type: 'ordinal',
    domain: names,
    range: names.map((name, i) => (name === drawing.others ? OTHERS_COLOUR : colourOf(i))),
  };
}

/** The cells of a heat map, and which values its colours reach from and to. */
export function heatOf({ points, others }: Drawing): {
  readonly cells: readonly DrawnPoint[];
  readonly low: number;
  readonly high: number;
} {
  // The others together would outshine all.
  const cells = points.filter(({ series }) => series !== others);
  const values = cells.map(({ y }) => y);
  return { cells, low: Math.min(0, smallest(values)), high: largest(values) };
}

/** Where a value becomes a place: moments are dates for Plot. */
export const atX = ({ x }: DrawnPoint, kind: ColumnKind) =>
  kind === 'time' ? new Date(Number(x)) : x;

/** The values of x, names in their order. */
export const placesOf = ({ places, points }: Drawing): readonly X[] =>
  places.length > 0 ? places : points.map(({ x }) => x);

/** How far the stacks reach; what is below zero is a stack of its own. */
export function stackSums(points: readonly DrawnPoint[]): number[] {
  const above = new Map<X, number>();
  const below = new Map<X, number>();
  for (const { x, y } of points) {
    const sums = y < 0 ? below : above;
    sums.set(x, (sums.get(x) ?? 0) + y);
  }
  return [...above.values(), ...below.values()];
}
