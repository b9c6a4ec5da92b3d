/** The interface of report formats. */

/** A column of the result; `typeOid` as in pg_type. */
export interface ResultColumn {
  readonly name: string;
  readonly typeOid: number;
}

/** Values of one row as the server prints them; null is SQL's NULL. */
export type ResultRow = readonly (string | null)[];

export interface WriterOptions {
  /** For CSV: whether cells that a spreadsheet would run as formulas become text. */
  readonly safeCells: boolean;
  /** For a table: columns of the terminal that shows it; undefined for a file or a pipe. */
  readonly width?: number | undefined;
}

export type MakeWriter = (columns: readonly ResultColumn[], options: WriterOptions) => ReportWriter;

/** Rows → text, piece by piece: `head`, then `rows` as often as there are batches, then `tail`. */
export interface ReportWriter {
  /** Maximum of rows to write; further ones are only counted. */
  readonly maxRows: number;
  head(): string;
  rows(batch: readonly ResultRow[]): string;
  /** @param rowsLeftOut number of rows beyond `maxRows` */
  tail(rowsLeftOut: number): string;
}
