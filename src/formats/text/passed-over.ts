/**
 * The lines of a text that are no records, by kind. With the records they are the whole text, to the
 * byte: a line counts with its line end.
 */

export const PASSED_OVER_KINDS = ['comment', 'preamble', 'footer', 'blank', 'header'] as const;
export type PassedOverKind = (typeof PASSED_OVER_KINDS)[number];

export interface LineCount {
  /** A header that spans lines counts once. */
  readonly lines: number;
  /** Line ends included. */
  readonly bytes: number;
}

/** The kinds that occur. A byte order mark (`mark`) has bytes, and no line of its own. */
export type PassedOver = Readonly<Partial<Record<PassedOverKind | 'mark', LineCount>>>;

export const NOTHING_PASSED_OVER: PassedOver = {};

/** Receives each line that a scanner passes over. */
export interface LineWatch {
  /**
   * @param kind `mark` for a byte order mark, which is no line
   * @param start,end offsets in the scanned buffer, line end included
   * @param line line ends between the start of scanning and the line
   */
  passed(kind: keyof PassedOver, start: number, end: number, line: number): void;
}

/** Counts lines by kind. */
export class PassedOverTally implements LineWatch {
  readonly #counts = new Map<keyof PassedOver, { lines: number; bytes: number }>();

  passed(kind: keyof PassedOver, start: number, end: number): void {
    this.#add(kind, kind === 'mark' ? 0 : 1, end - start);
  }

  #add(kind: keyof PassedOver, lines: number, bytes: number): void {
    const count = this.#counts.get(kind);
    if (count === undefined) {
      this.#counts.set(kind, { lines, bytes });
      return;
    }
    count.lines += lines;
    count.bytes += bytes;
  }

  addAll(passedOver: PassedOver): void {
    for (const [kind, { lines, bytes }] of Object.entries(passedOver)) {
      this.#add(kind as keyof PassedOver, lines, bytes);
    }
  }

  get counts(): PassedOver {
    return Object.fromEntries([...this.#counts].map(([kind, count]) => [kind, { ...count }]));
  }
}

export function addPassedOver(...all: readonly PassedOver[]): PassedOver {
  const tally = new PassedOverTally();
  for (const one of all) tally.addAll(one);
  return tally.counts;
}

/** What was passed over since an earlier count. */
export function subtractPassedOver(now: PassedOver, before: PassedOver): PassedOver {
  return Object.fromEntries(
    Object.entries(now).flatMap(([kind, { lines, bytes }]) => {
      const earlier = before[kind as keyof PassedOver] ?? { lines: 0, bytes: 0 };
      const count = { lines: lines - earlier.lines, bytes: bytes - earlier.bytes };
      return count.bytes === 0 ? [] : [[kind, count]];
    }),
  );
}

/** In words: `2 comment (30 bytes), 1 blank (1 byte)`. */
export function describePassedOver(passedOver: PassedOver): string {
  const kinds = Object.entries(passedOver).sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = kinds.map(([kind, { lines, bytes }]) =>
    kind === 'mark' ? `a byte order mark (${bytes} bytes)` : `${lines} ${kind} (${bytes} bytes)`,
  );
  return parts.join(', ') || 'nothing';
}

export function bytesOf(passedOver: PassedOver): number {
  return Object.values(passedOver).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Lines by kind, with a zero for each kind that does not occur. */
export function linesByKind(passedOver: PassedOver): Readonly<Record<PassedOverKind, number>> {
  const lines = (kind: PassedOverKind) => passedOver[kind]?.lines ?? 0;
  return {
    comment: lines('comment'),
    preamble: lines('preamble'),
    footer: lines('footer'),
    blank: lines('blank'),
    header: lines('header'),
  };
}

/** Bytes by kind and of the records: together, the bytes of the text. */
export function bytesByKind(recordBytes: number, passedOver: PassedOver) {
  const bytes = (kind: keyof PassedOver) => passedOver[kind]?.bytes ?? 0;
  return {
    records: recordBytes,
    comment: bytes('comment'),
    preamble: bytes('preamble'),
    footer: bytes('footer'),
    blank: bytes('blank'),
    header: bytes('header'),
    byteOrderMark: bytes('mark'),
  };
}

export type ByteCounts = ReturnType<typeof bytesByKind>;
