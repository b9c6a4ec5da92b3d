/** Lines, and the same as stacked areas. */
import * as Plot from '@observablehq/plot';
import { numberMargin, valueAxis, xAxis } from './chart-axes.js';
import type { Drawing, DrawnPoint } from './chart-series.js';
import {
  atX,
  colourScale,
  largest,
  OTHERS_COLOUR,
  type Plan,
  type Shape,
  smallest,
  stackSums,
} from './chart-shape.js';

export function lines({ spec, xKind, drawing, size, titleOf }: Plan): Shape {
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

/** An area needs two places. */
export function isSingle({ points }: Drawing): boolean {
  return new Set(points.map(({ x }) => x)).size === 1;
}
