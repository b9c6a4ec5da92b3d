/** Labels that all numbers of a process have, as `--metrics-labels` names them. */
import { z } from 'zod';

export type MetricLabels = Readonly<Record<string, string>>;

/** Those that the metrics have themselves, and those that Prometheus makes of a histogram or a summary. */
const TAKEN: ReadonlySet<string> = new Set([
  ...['command', 'table', 'result', 'code', 'task', 'check', 'queue', 'le', 'quantile'],
]);

const NAME = /^(?!__)[A-Za-z_][A-Za-z0-9_]*$/;

/** One or several, separated by commas or in a list; in edp.yaml also as a map. */
export const metricLabels = z
  .union([z.string(), z.array(z.string()), z.record(z.string(), z.string())])
  .transform((value, context): MetricLabels => {
    const pairs = typeof value === 'object' && !Array.isArray(value) ? pairsOf(value) : cut(value);
    const faults = pairs.flatMap(([name, text]) => faultOf(name, text) ?? []);
    for (const fault of faults) context.addIssue(fault);
    return faults.length > 0 ? z.NEVER : Object.fromEntries(pairs);
  });

function pairsOf(value: MetricLabels): (readonly [string, string])[] {
  return Object.entries(value);
}

function cut(value: string | readonly string[]): (readonly [string, string])[] {
  return [value]
    .flat()
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => {
      const at = text.indexOf('=');
      return at < 0 ? ([text, ''] as const) : ([text.slice(0, at), text.slice(at + 1)] as const);
    });
}

function faultOf(name: string, value: string): string | undefined {
  if (value === '') return `${name}: expected name=value, such as pipeline=events`;
  if (!NAME.test(name)) return `${name}: expected a name of letters, digits and underscores`;
  return TAKEN.has(name) ? `${name} is a label that edp sets itself` : undefined;
}
