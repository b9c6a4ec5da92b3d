/** A dot for each row. */
import * as Plot from '@observablehq/plot';
import { numberMargin, powerAxis, valueAxis, xAxis } from './chart-axes.js';
import { limitAcross } from './chart-limit.js';
import type { DrawnPoint } from './chart-series.js';
import { atX, colourScale, type Plan, placesOf, type Shape } from './chart-shape.js';

export function dots({ spec, xKind, drawing, size, titleOf }: Plan): Shape {
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
      ...limitAcross(spec, values),
    ],
    options: {
      color: colourScale(drawing),
      marginLeft: numberMargin(values),
      marginBottom: 40,
      x: {
        ...xAxis(xKind, spec.x!, placesOf(drawing), size),
        ...(xKind === 'number' ? { nice: true } : {}),
      },
      y: drawing.isLog === true ? powerAxis(values, size) : valueAxis(values, size),
    },
  };
}
