/** A histogram, of values or of buckets that the report has counted. */
import * as Plot from '@observablehq/plot';
import { numberMargin, valueAxis, xAxis } from './chart-axes.js';
import type { DrawnPoint } from './chart-series.js';
import { colourOf, type Plan, type Shape } from './chart-shape.js';
import { smallest } from './extremes.js';

export function histogram({ spec, drawing, size, titleOf }: Plan): Shape {
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
