/** Bars: upright over time, lying where each has a name. */
import * as Plot from '@observablehq/plot';
import { numberMargin, valueAxis, xAxis } from './chart-axes.js';
import { limitAcross, limitUpright } from './chart-limit.js';
import type { DrawnPoint } from './chart-series.js';
import {
  colourScale,
  LETTER,
  namesOf,
  type Plan,
  placesOf,
  type Shape,
  stackSums,
} from './chart-shape.js';
import { axisNumber, lettersOf, shortenAll } from './chart-words.js';
import { largest, smallest } from './extremes.js';
import { endOfPeriod, fitPeriod } from './time-periods.js';

/** Each bar of categories, with the space behind it. */
const BAR_HEIGHT = 24;

export function bars(plan: Plan): Shape {
  return plan.xKind === 'time' ? timeBars(plan) : categoryBars(plan);
}

function timeBars({ spec, drawing, size, period, titleOf }: Plan): Shape {
  const { points } = drawing;
  const times = points.map(({ x }) => Number(x));
  // Of moments without a rhythm, bars as wide as suits the stretch.
  const step = period ?? fitPeriod(largest(times) - smallest(times), 100);
  return {
    marks: [
      Plot.rectY(points, {
        x1: ({ x }: DrawnPoint) => new Date(Number(x)),
        x2: ({ x }: DrawnPoint) => new Date(endOfPeriod(Number(x), step)),
        y: 'y',
        fill: 'series',
        order: namesOf(drawing),
        insetLeft: 0.5,
        insetRight: 0.5,
        title: titleOf,
      }),
      Plot.ruleY([0], { stroke: 'var(--axis)' }),
      ...limitAcross(spec, stackSums(points)),
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

function categoryBars({ spec, drawing, size, titleOf }: Plan): Shape {
  const { points } = drawing;
  const places = placesOf(drawing);
  const letters = Math.floor((size.width * 0.38) / LETTER);
  const named = shortenAll(places.map(String), letters);
  const longest = Math.max(...places.map((place) => lettersOf(named(String(place)))), 1);
  const isSmall = size.isSmall === true;
  const marks: Plot.Markish[] = [
    Plot.barX(points, {
      x: 'y',
      y: ({ x }: DrawnPoint) => String(x),
      fill: 'series',
      order: namesOf(drawing),
      insetTop: isSmall ? 1 : 2,
      insetBottom: isSmall ? 1 : 2,
      // A line between two colours tells them apart, also for those who do not see the colours.
      ...(drawing.series.length > 1 ? { insetRight: 0.75 } : {}),
      title: titleOf,
    }),
    Plot.ruleX([0], { stroke: 'var(--axis)' }),
    ...limitUpright(spec, stackSums(points)),
    ...(isSmall ? [] : [totals(points)]),
  ];
  return {
    marks,
    options: {
      height: isSmall ? size.height : 52 + places.length * BAR_HEIGHT,
      color: colourScale(drawing),
      marginLeft: isSmall ? 8 : 14 + longest * (LETTER + 0.5),
      marginBottom: isSmall ? 20 : 36,
      ...(isSmall ? {} : { marginRight: 48 }),
      x: {
        ...valueAxis([0, ...stackSums(points)], size),
        ticks: Math.max(2, Math.floor(size.width / 110)),
      },
      y: {
        type: 'band',
        domain: places.map(String),
        label: null,
        tickFormat: (place: string) => named(place),
        tickSize: 0,
        ...(isSmall ? { axis: null } : {}),
      },
    },
  };
}

/** How long each bar is, as a number at its end. */
function totals(points: readonly DrawnPoint[]): Plot.Markish {
  const sums = new Map<string, { above: number; sum: number }>();
  for (const { x, y } of points) {
    const { above, sum } = sums.get(String(x)) ?? { above: 0, sum: 0 };
    sums.set(String(x), { above: above + Math.max(0, y), sum: sum + y });
  }
  return Plot.text([...sums], {
    x: ([, { above }]) => above,
    y: ([place]) => place,
    text: ([, { sum }]) => axisNumber(Number(sum.toPrecision(4))),
    textAnchor: 'start',
    dx: 5,
    fill: 'currentColor',
  });
}
