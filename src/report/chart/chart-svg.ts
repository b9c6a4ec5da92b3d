/** A drawing → SVG, with Observable Plot. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { ChartSpec } from './chart-line.js';
import type { X } from './chart-points.js';
import type { Drawing, DrawnPoint } from './chart-series.js';
import type { Plan, Shape, Size } from './chart-shape.js';
import { fullNumber, fullTime } from './chart-words.js';
import type { ColumnKind } from './column-kinds.js';
import { bars } from './mark-bars.js';
import { dots } from './mark-dots.js';
import { heatmap } from './mark-heatmap.js';
import { histogram } from './mark-histogram.js';
import { isSingle, lines } from './mark-lines.js';
import { periodOf } from './time-periods.js';

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
