/** What readers of a table ask the log of changes: by which of its dates they divide it, by which keys they find its rows. */

export interface ValueReader {
  readonly kind: 'dates' | 'keys';
  /** Its name among the dates, or the keys, of an entry of edp.changes. */
  readonly name: string;
  /**
   * SQL of what a row has, as text.
   *
   * @param row name of the row
   * @param types of its columns, as format_type() prints them
   * @returns undefined where it has no such columns, or they are of types that tell nothing
   */
  valueOf(row: string, types: ReadonlyMap<string, string>): string | undefined;
}

/** @param relation as the catalog has it */
export type ReadersOf = (relation: {
  readonly schema: string;
  readonly name: string;
}) => readonly ValueReader[];
