/** A heat map: the value of each cell as a colour. */
import * as Plot from '@observablehq/plot';
import { xAxis } from './chart-axes.js';
import type { DrawnPoint } from './chart-series.js';
import { heatOf, LETTER, type Plan, placesOf, type Shape } from './chart-shape.js';
import { lettersOf, shortenAll } from './chart-words.js';
import { largest, smallest } from './extremes.js';
import { endOfPeriod, fitPeriod } from './time-periods.js';

const HEAT_STEPS = 9;

export function heatmap({ spec, xKind, drawing, size, period, titleOf }: Plan): Shape {
  const { points, series: rows } = drawing;
  const letters = Math.floor((size.width * 0.32) / LETTER);
  const named = shortenAll(rows, letters);
  const longest = Math.max(...rows.map((row) => lettersOf(named(row))), 1);
  const isSmall = size.isSmall === true;
  const { cells, low, high } = heatOf(drawing);
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
        ? Plot.cell(cells, { ...common, x: 'x' })
        : Plot.barX(cells, {
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
          step === undefined
            ? xKind === 'number'
              ? placesOf(drawing).toSorted((a, b) => Number(a) - Number(b))
              : placesOf(drawing)
            : points.flatMap(({ x }) => [x, endOfPeriod(Number(x), step)]),
          size,
        ),
        ...(step === undefined ? { type: 'band' as const } : {}),
      },
      y: {
        type: 'band',
        domain: [...rows],
        label: null,
        tickSize: 0,
        tickFormat: (row: string) => named(row),
        ...(isSmall ? { axis: null } : {}),
      },
    },
  };
}

function spanOf(points: readonly DrawnPoint[]): number {
  const times = points.map(({ x }) => Number(x));
  return largest(times) - smallest(times);
}
