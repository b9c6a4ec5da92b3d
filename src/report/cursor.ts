/**
 * The rows of a statement, a batch at a time, however many there are.
 *
 * This is SQL's own cursor (DECLARE, FETCH) and not pg-query-stream: both are as fast, but that
 * stream waits forever if its connection breaks, and a cursor can also count the rows
 * that it skips (MOVE). DECLARE takes a single SELECT only, which is what a report is.
 */
import type pg from 'pg';
import type { ResultColumn, ResultRow } from './format/report-writer.js';
import type { Statement } from './parameters.js';
import type { ReportRows } from './rows.js';

/** Rows of one FETCH: many enough to make a round trip cheap, few enough to hold wide rows. */
const BATCH_ROWS = 1000;

const CURSOR = 'report';
const DECLARE = `DECLARE ${CURSOR} NO SCROLL CURSOR FOR `;

/** Every value stays the text the server sent. */
const serverText = { getTypeParser: () => (text: string) => text } as pg.CustomTypesConfig;

export class ReportCursor implements ReportRows {
  readonly columns: readonly ResultColumn[];
  readonly #client: pg.Client;

  private constructor(client: pg.Client, columns: readonly ResultColumn[]) {
    this.#client = client;
    this.columns = columns;
  }

  /** @param client in a transaction, which must stay open until the last row */
  static async open(client: pg.Client, { text, values }: Statement): Promise<ReportCursor> {
    // All rows will be fetched, so the plan must not favour the first of them.
    await client.query('SET LOCAL cursor_tuple_fraction = 1');
    await client.query({
      text: `${DECLARE}${text}`,
      values: [...values],
      // Without values pg would send a simple query, and that may hold more than one statement.
      queryMode: 'extended',
    } as pg.QueryConfig);
    const described = await client.query(`FETCH 0 FROM ${CURSOR}`);
    const columns = described.fields.map(({ name, dataTypeID }) => ({ name, typeOid: dataTypeID }));
    return new ReportCursor(client, columns);
  }

  /**
   * Batches that are never empty; `maxRows` rows in all, at the most. Fetching one ahead was
   * measured and gains nothing.
   */
  async *batches(maxRows: number): AsyncGenerator<readonly ResultRow[]> {
    for (let remaining = maxRows; remaining > 0; ) {
      const wanted = Math.min(BATCH_ROWS, remaining);
      const { rows } = await this.#client.query<(string | null)[]>({
        text: `FETCH ${wanted} FROM ${CURSOR}`,
        rowMode: 'array',
        types: serverText,
      });
      if (rows.length > 0) yield rows;
      if (rows.length < wanted) return;
      remaining -= rows.length;
    }
  }

  /** Counts the rows that were in no batch, on the server. */
  async countRest(): Promise<number> {
    const { rowCount } = await this.#client.query(`MOVE FORWARD ALL IN ${CURSOR}`);
    return rowCount ?? 0;
  }
}

/**
 * The server's first line for a statement is shared with DECLARE, so positions are counted in this
 * text, whose lines are still those of the statement.
 */
export function declaredText({ text }: Statement): string {
  return `${DECLARE}${text}`;
}
