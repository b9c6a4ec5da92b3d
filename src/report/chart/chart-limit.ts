/** The line across a chart at a limit, such as the age from which on a table is late. */
import * as Plot from '@observablehq/plot';
import type { ChartSpec } from './chart-line.js';
import { largest } from './extremes.js';

/** A limit far beyond all values would leave no room for them. */
const MOST_BEYOND = 2;

/** @returns whether the limit has a place beside these values */
function isLimitShown({ limitAt }: ChartSpec, values: readonly number[]): boolean {
  if (limitAt === undefined) return false;
  return Math.abs(limitAt) <= MOST_BEYOND * largest([0, ...values.map(Math.abs)]);
}

export function limitAcross(spec: ChartSpec, values: readonly number[]): Plot.Markish[] {
  return isLimitShown(spec, values) ? [Plot.ruleY([spec.limitAt!], STYLE)] : [];
}

export function limitUpright(spec: ChartSpec, values: readonly number[]): Plot.Markish[] {
  return isLimitShown(spec, values) ? [Plot.ruleX([spec.limitAt!], STYLE)] : [];
}

const STYLE = { stroke: 'var(--ink)', strokeDasharray: '4,3', strokeWidth: 1.2 };

/** What the dashed line is, in a sentence. */
export function limitInWords(spec: ChartSpec, values: readonly number[]): string | undefined {
  const { limit, limitAt } = spec;
  if (limit === undefined || limitAt === undefined) return undefined;
  const name = limit.startsWith(':') ? `${limit.slice(1)} = ${limitAt}` : String(limitAt);
  return isLimitShown(spec, values)
    ? `The dashed line is at ${name}.`
    : `The limit, ${name}, is far beyond all that is drawn.`;
}
