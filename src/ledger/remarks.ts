/** Counts by name: undeclared metrics that were kept, and corrections that acted. */

/** Remarks about one record. */
export interface RowRemarks {
  readonly unknownMetrics: readonly string[];
  /** See {@link correctionKey}. */
  readonly corrections: readonly string[];
}

export const NO_REMARKS: RowRemarks = { unknownMetrics: [], corrections: [] };

/** Remarks about many records: name → records that had it. */
export interface RemarkCounts {
  readonly unknownMetrics: Readonly<Record<string, number>>;
  readonly corrections: Readonly<Record<string, number>>;
}

export const NO_REMARK_COUNTS: RemarkCounts = { unknownMetrics: {}, corrections: {} };

export class RemarkTally {
  readonly #unknownMetrics = new Map<string, number>();
  readonly #corrections = new Map<string, number>();

  /** @param by number of records to add */
  add({ unknownMetrics, corrections }: RowRemarks, by: number): void {
    for (const name of unknownMetrics) addTo(this.#unknownMetrics, name, by);
    this.addCorrections(corrections, by);
  }

  addCorrections(keys: readonly string[], by: number): void {
    for (const key of keys) addTo(this.#corrections, key, by);
  }

  addCounts({ unknownMetrics, corrections }: RemarkCounts): void {
    for (const [name, count] of Object.entries(unknownMetrics)) {
      addTo(this.#unknownMetrics, name, count);
    }
    for (const [key, count] of Object.entries(corrections)) addTo(this.#corrections, key, count);
  }

  get counts(): RemarkCounts {
    return {
      unknownMetrics: positive(this.#unknownMetrics),
      corrections: positive(this.#corrections),
    };
  }
}

function addTo(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

function positive(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].filter(([, count]) => count > 0));
}

/** The keys under which fields are counted that no column is declared for, where each record names its fields. */
export const OTHER_FIELDS = { keep: 'kept', ignore: 'passed-over' } as const;

/** The key under which a correction of a column is counted. */
export function correctionKey(column: string, correction: string): string {
  return `${correction} ${column}`;
}

/** Groups counts by column, then by correction. */
export function groupCorrections(
  counts: Readonly<Record<string, number>>,
): Record<string, Record<string, number>> {
  const columns = new Map<string, Record<string, number>>();
  for (const [key, count] of Object.entries(counts)) {
    const blank = key.indexOf(' ');
    const column = key.slice(blank + 1);
    const own = columns.get(column) ?? {};
    columns.set(column, own);
    own[key.slice(0, blank)] = count;
  }
  return Object.fromEntries(columns);
}
