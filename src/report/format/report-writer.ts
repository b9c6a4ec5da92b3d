/** The interface of report formats. */
import type { AboutReport, SourceRelation } from '../page/about-report.js';

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
  /** For a page: what it says beside the rows. */
  readonly about?: AboutReport | undefined;
}

export type MakeWriter = (columns: readonly ResultColumn[], options: WriterOptions) => ReportWriter;

export type Piece = string | Uint8Array;

/** Rows → text or bytes, piece by piece: `head`, then `rows` as often as there are batches, then `tail`. */
export interface ReportWriter {
  /** Maximum of rows to write; further ones are only counted. */
  readonly maxRows: number;
  head(): Piece | Promise<Piece>;
  rows(batch: readonly ResultRow[]): Piece | Promise<Piece>;
  /**
   * @param rowsLeftOut number of rows beyond `maxRows`
   * @param sources what was read, for formats that have a place for it
   */
  tail(rowsLeftOut: number, sources: readonly SourceRelation[]): Piece | Promise<Piece>;
}
