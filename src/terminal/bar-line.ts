/** The line of a progress bar, as wide as the terminal allows: what matters most stays longest. */

export interface LineParts {
  /** From 0 to 1. */
  readonly share: number;
  /** The step of a command with several steps. */
  readonly label: string;
  /** What was done, such as `1,234 rows`. */
  readonly counts: readonly string[];
  /** How fast, the most telling first. */
  readonly rates: readonly string[];
  readonly timeLeft: string;
  /** What needs attention, such as rejects. */
  readonly last: string;
}

const BAR_SIZES = [24, 12, 6] as const;
const SEPARATOR = ' | ';

/**
 * @param columns width of the terminal; the last column stays free, since some terminals wrap there
 */
export function layOutBar(parts: LineParts, columns: number): string {
  const width = Math.max(1, columns - 1);
  const line = [...candidates(parts)].find((text) => text.length <= width);
  return line ?? percentage(parts).slice(0, width);
}

/** From the longest to the shortest. */
function* candidates(parts: LineParts): Generator<string> {
  const { label, counts, rates, last } = parts;
  const what = [label, counts.join(SEPARATOR)].filter(Boolean).join(', ');
  const allRates = rates.join(', ');
  const eta = `ETA ${parts.timeLeft}`;
  const [rate = '', ...others] = rates;
  for (const size of BAR_SIZES) yield withBar(parts, size, [what, allRates, eta, last]);
  if (rate !== '') {
    const [, ...small] = BAR_SIZES;
    for (const size of small) yield withBar(parts, size, [allRates, eta, last]);
    if (others.length > 0) for (const size of small) yield withBar(parts, size, [rate, eta, last]);
  }
  for (const kept of [
    [label, rate, eta, last],
    [rate, eta, last],
    [rate, eta],
    [label, eta],
    [rate === '' ? (counts[0] ?? '') : '', eta],
    [eta],
  ]) {
    yield [percentage(parts), ...kept].filter(Boolean).join(SEPARATOR);
    yield [percentage(parts), ...kept].filter(Boolean).join(' ');
  }
}

function withBar(parts: LineParts, size: number, texts: readonly string[]): string {
  const full = Math.min(size, Math.round(parts.share * size));
  const bar = '█'.repeat(full) + '░'.repeat(size - full);
  return [`${bar} ${percentage(parts)}`, ...texts].filter(Boolean).join(SEPARATOR);
}

function percentage({ share }: LineParts): string {
  return `${Math.floor(Math.min(1, share) * 100)}%`;
}
