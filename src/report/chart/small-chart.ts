/** The small chart of a report: what the page of all reports needs, and loads when it does. */
import type { ChartSpec } from './chart-line.js';
import { ChartPoints } from './chart-points.js';
import { type ChartColumn, chooseChart } from './choose-chart.js';

export { drawSmallChart } from './draw-chart.js';

/** @returns undefined for a report without a chart */
export function collectPoints(
  columns: readonly ChartColumn[],
  declared: ChartSpec | undefined,
): ChartPoints | undefined {
  const spec = chooseChart(columns, declared);
  return spec === undefined ? undefined : new ChartPoints(columns, spec);
}
