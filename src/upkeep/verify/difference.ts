/** Differences between a file and a table: all are counted, and listed up to a limit. */

/** Stable: scripts rely on them. */
export const DIFFERENCE_KINDS = {
  /** The table has no row for the record. */
  missing: 'not in the table',
  /** The load's row is there, with other values. */
  changed: 'changed in the table',
  /** The row with the record's key belongs to another load, or to none, and has other values. */
  replaced: 'replaced by a row that is not of this load',
  /** A record that is neither loaded nor a duplicate by the rules of its load. */
  unaccounted: 'neither loaded nor rejected',
  /** A row with this load's number that the file does not have. */
  added: 'in the table only',
  /** A record that makes no row, and is not among the rejects. */
  unreadable: 'unreadable, and not among the rejects',
  reject_altered: 'rejected, but kept with other bytes',
  reject_unknown: 'a reject that is no record of the file',
  bytes_differ: 'splits whose bytes are not those loaded',
  records_differ: 'splits whose number of records is not the receipt’s',
  passed_over_differ: 'parts of the file whose lines passed over are not those counted',
  bytes_unaccounted: 'bytes of the file that the ledger does not account for',
  rejects_differ: 'splits whose number of rejects is not the receipt’s',
  not_covered: 'parts of the file without a receipt',
  /** The ledger's counts are not what the table holds. */
  counts_differ: 'counts that are not the ledger’s',
} as const;

export type DifferenceKind = keyof typeof DIFFERENCE_KINDS;

/** Where a difference was found; its details are looked up for those that are shown. */
export interface FoundDifference {
  readonly kind: DifferenceKind;
  /** Place in the file; undefined for rows that only the table has. */
  readonly byteOffset?: number;
  /** Counts from 1. */
  readonly line?: number;
  /** Row of the table. */
  readonly row?: { readonly table: number; readonly block: number; readonly item: number };
  /** The load that holds the row instead; null for none. */
  readonly holder?: number | null;
  readonly detail?: string;
}

export class Differences {
  readonly counts = new Map<DifferenceKind, number>();
  readonly #limit: number;
  readonly #splitOf: (byteOffset: number) => number;
  readonly #bySplit = new Map<number, Map<DifferenceKind, number>>();
  #listed: FoundDifference[] = [];

  /** @param splitOf index of the split that contains a place of the file, or -1 */
  constructor(limit: number, splitOf: (byteOffset: number) => number) {
    this.#limit = limit;
    this.#splitOf = splitOf;
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The first differences in file order, then those that only the table has, in its order. */
  get listed(): readonly FoundDifference[] {
    return this.#listed.sort(compare).slice(0, this.#limit);
  }

  /** Splits with differences, in order. */
  get splits(): { split: number; counts: ReadonlyMap<DifferenceKind, number> }[] {
    return [...this.#bySplit]
      .sort(([a], [b]) => a - b)
      .map(([split, counts]) => ({ split, counts }));
  }

  add(difference: FoundDifference, count = 1): void {
    const { kind, byteOffset } = difference;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + count);
    const split = byteOffset === undefined ? -1 : this.#splitOf(byteOffset);
    if (split >= 0) {
      const counts = this.#bySplit.get(split) ?? new Map<DifferenceKind, number>();
      counts.set(kind, (counts.get(kind) ?? 0) + count);
      this.#bySplit.set(split, counts);
    }
    this.#listed.push(difference);
    // Done from time to time, so that neither time nor memory depends on how much differs.
    if (this.#listed.length > this.#limit * 2 + 1000) this.#listed = [...this.listed];
  }
}

function compare(a: FoundDifference, b: FoundDifference): number {
  const place = (difference: FoundDifference) => difference.byteOffset ?? Number.POSITIVE_INFINITY;
  if (place(a) !== place(b)) return place(a) - place(b);
  if (a.row === undefined || b.row === undefined) return 0;
  return a.row.table - b.row.table || a.row.block - b.row.block || a.row.item - b.row.item;
}
