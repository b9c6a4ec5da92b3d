/** Figures of several rounds → what is reported of them. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @param values at least one */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/**
 * How many times one is the other: the ratio of their medians, and the least and greatest ratio within
 * one round, where both met the same noise. Rounds that only one of them ran count for its median only.
 */
export function ratioOf(ones: readonly number[], others: readonly number[]): Spread {
  const { min, max } = spreadOf(pairedRatios(ones, others));
  const median = spreadOf(ones).median / spreadOf(others).median;
  return { median, min: Math.min(min, median), max: Math.max(max, median) };
}

/** How many times one is the other in each round that both ran. */
export function pairedRatios(ones: readonly number[], others: readonly number[]): number[] {
  return ones.slice(0, others.length).map((one, round) => one / others[round]!);
}
