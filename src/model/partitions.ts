/** How the rows of a table are divided into partitions, as edp.yaml declares it. Plain data. */
import type { Choices } from './choices.js';

export const PARTITION_UNITS = {
  day: 'a partition for each day',
  month: 'a partition for each month',
  year: 'a partition for each year',
} as const satisfies Choices;

export type PartitionUnit = keyof typeof PARTITION_UNITS;

/** Partitions by time; each has the rows of one day, month or year, in UTC. */
export interface RangePartitions {
  readonly column: string;
  readonly every: PartitionUnit;
  /** Days as 2024-01-31; rows from the first day to the day before the second one have partitions of time. */
  readonly from: string;
  readonly to: string;
  /** What edp.yaml says of them; the others are defaults. */
  readonly given?: { readonly from?: string | undefined; readonly to?: string | undefined };
}

export interface Partitions {
  /** Column each of whose values has a partition of its own; that one is divided by time, where there is a range. */
  readonly list?: string;
  readonly range?: RangePartitions;
}

/** Begins the names of the triggers that keep a key unique over all partitions. */
export const GUARD_TRIGGER = 'edp_key_guard';
