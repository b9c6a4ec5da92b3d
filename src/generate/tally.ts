/**
 * Counts of what was generated, and of what is expected from loading it under edp's default
 * options.
 */
import type { RejectCode } from '../model/reject-codes.js';

/**
 * The metrics that the built-in model declares for events, in the order in which they are written.
 */
export const METRICS = ['metric_one', 'metric_two', 'metric_n'] as const;
export type MetricName = (typeof METRICS)[number];

export interface Tally {
  records: number;
  readonly expected: { loaded: number; rejected: number; duplicate: number };
  /** Expected rejects by code. */
  readonly rejectCodes: Partial<Record<RejectCode, number>>;
  /** Damaged records by kind of damage (dirt.ts). */
  readonly dirt: Record<string, number>;
  /** Records that are expected to be loaded with an undeclared metric, by its name. */
  readonly unknownMetrics: Record<string, number>;
  /**
   * Sums over the records that are expected to be loaded; exact up to 2⁵³, that is for 90 billion
   * records.
   */
  readonly metricSums: Record<MetricName, number>;
}

export function createTally(): Tally {
  return {
    records: 0,
    expected: { loaded: 0, rejected: 0, duplicate: 0 },
    rejectCodes: {},
    dirt: {},
    unknownMetrics: {},
    metricSums: { metric_one: 0, metric_two: 0, metric_n: 0 },
  };
}

export function countOne(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** Adds `part` to `total`, which is changed. */
export function addTally(total: Tally, part: Tally): void {
  total.records += part.records;
  addCounts(total.expected, part.expected);
  addCounts(total.rejectCodes, part.rejectCodes);
  addCounts(total.dirt, part.dirt);
  addCounts(total.unknownMetrics, part.unknownMetrics);
  addCounts(total.metricSums, part.metricSums);
}

function addCounts(total: Record<string, number>, part: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(part)) total[name] = (total[name] ?? 0) + count;
}
