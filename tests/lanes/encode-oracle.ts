/**
 * PostgreSQL as the oracle: the value that either lane encodes from a text, by way of a binary
 * COPY, and the value that the server reads from the same text.
 */

import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { PLAIN_DIALECT } from '../../src/formats/csv/dialect.js';
import { ByteLane } from '../../src/lanes/byte-lane.js';
import { RowEncoder } from '../../src/lanes/row-encoder.js';
import { RemarkTally } from '../../src/ledger/remarks.js';
import type { TablePlan } from '../../src/mapping/table-plan.js';
import { type ColumnType, SQL_TYPE } from '../../src/model/types.js';
import { COPY_HEADER, COPY_TRAILER, RowWriter } from '../../src/values/copy-binary.js';
import { laneMemory } from '../support/lane.js';

/** Both sides' reading of one text: the value as the server prints it, or that there is none. */
export interface Verdict {
  /** A byte string. */
  readonly text: string;
  /** `undefined` where edp refuses the text. */
  readonly edp: string | undefined;
  /**
   * edp's reject code, or LEFT where the byte lane leaves the text to the csv lane; `copy` where
   * edp accepted and the server then refused the COPY.
   */
  readonly code: string | undefined;
  /** `undefined` where the server refuses the text. */
  readonly server: string | undefined;
}

/** Keeps messages readable; different texts stay different. */
export function shorten<T extends string | undefined>(text: T): T {
  if (text === undefined || text.length <= 400) return text;
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return `${text.slice(0, 40)}… (${text.length} characters, ${digest})` as T;
}

/** Takes bytes, so that the server also reads bytes that are not text. */
const READ_AS = `
  CREATE FUNCTION pg_temp.read_as(expression text, input bytea) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE result text;
  BEGIN
    EXECUTE 'SELECT (' || expression || ')::text' INTO result USING convert_from(input, 'UTF8');
    RETURN result;
  EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
  END $$`;

/** How docs/model.md defines reading a text; for `timestamp`, a zone is converted to UTC. */
function serverExpression(type: ColumnType): string {
  return type === 'timestamp' ? `$1::timestamptz AT TIME ZONE 'UTC'` : `$1::${SQL_TYPE[type]}`;
}

function planOf(type: ColumnType): TablePlan {
  return {
    table: 'compared',
    columns: [{ name: 'value', type, isNullable: true, from: 'field', field: 0 }],
    sources: [],
    key: [],
    fieldCount: 1,
  };
}

/** Texts as rows of COPY bytes, each with its ordinal before the value. */
export interface EncodedTexts {
  readonly bytes: Buffer;
  readonly rows: readonly {
    readonly ordinal: number;
    readonly start: number;
    readonly end: number;
  }[];
  /** Reject codes of texts that are no row. */
  readonly codes: (string | undefined)[];
}

export const LEFT = 'left';

export function encodeByCsvLane(type: ColumnType, texts: readonly string[]): EncodedTexts {
  const encoder = new RowEncoder(planOf(type), 1);
  const writer = new RowWriter();
  const codes: (string | undefined)[] = [];
  const rows: { ordinal: number; start: number; end: number }[] = [];
  texts.forEach((text, ordinal) => {
    const start = writer.byteLength;
    const fault = encoder.encode([text], writer, ordinal);
    codes.push(fault?.code);
    if (fault === undefined) rows.push({ ordinal, start, end: writer.byteLength });
  });
  return { bytes: writer.takeRows(), rows, codes };
}

/** Each text is a record of one field: in quotes, or, where it needs none, alternately without. */
export function encodeByByteLane(type: ColumnType, texts: readonly string[]): EncodedTexts {
  const lane = ByteLane.compile(
    laneMemory,
    planOf(type),
    { format: 'csv', dialect: { ...PLAIN_DIALECT, fieldCount: 1 } },
    new Map(),
    {
      loadId: 1,
      withOrdinals: true,
      maxRows: 1,
      remarkTally: new RemarkTally(),
    },
  )!;
  const { window } = laneMemory;
  const portions: Buffer[] = [];
  const codes: (string | undefined)[] = [];
  const rows: { ordinal: number; start: number; end: number }[] = [];
  let start = 0;
  texts.forEach((text, ordinal) => {
    const isBare = ordinal % 2 === 1 && text !== '' && !/[",\r\n]/.test(text);
    const record = `${isBare ? text : `"${text.replaceAll('"', '""')}"`}\n`;
    let isTaken = false;
    if (record.length < window.length) {
      const end = window.write(record, 'latin1');
      lane.nextOrdinal = ordinal;
      lane.run(window, 0, end, end, isUtf8(window.subarray(0, end)));
      isTaken = lane.places.count === 1;
    }
    codes.push(isTaken ? undefined : LEFT);
    const portion = Buffer.from(lane.takeRows());
    portions.push(portion);
    if (isTaken) rows.push({ ordinal, start, end: start + portion.length });
    start += portion.length;
  });
  return { bytes: Buffer.concat(portions), rows, codes };
}

export class Oracle {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /** @param client a session of its own, in UTC */
  static async create(client: pg.Client): Promise<Oracle> {
    await client.query(READ_AS);
    return new Oracle(client);
  }

  /**
   * Compares edp with the server for each text.
   *
   * @param texts byte strings
   * @param meaning the text to ask the server about, where it is not the text itself
   */
  async compare(
    type: ColumnType,
    texts: readonly string[],
    meaning = (text: string) => text,
    encode = encodeByCsvLane,
  ): Promise<Verdict[]> {
    const { bytes, rows, codes } = encode(type, texts);
    await this.#client.query(`CREATE TEMP TABLE compared (ordinal int, value ${SQL_TYPE[type]})`);
    try {
      const copy = async (some: EncodedTexts['rows']): Promise<void> => {
        if (some.length === 0) return;
        try {
          await pipeline(
            Readable.from([
              COPY_HEADER,
              bytes.subarray(some[0]!.start, some.at(-1)!.end),
              COPY_TRAILER,
            ]),
            this.#client.query(copyFrom('COPY compared FROM STDIN (FORMAT binary)')),
          );
        } catch (error) {
          if ((error as { severity?: string }).severity === undefined) throw error;
          if (some.length === 1) {
            codes[some[0]!.ordinal] = 'copy';
            return;
          }
          await copy(some.slice(0, some.length >> 1));
          await copy(some.slice(some.length >> 1));
        }
      };
      await copy(rows);
      const loaded = new Map(
        (
          await this.#client.query<{ ordinal: number; value: string }>(
            'SELECT ordinal, value::text AS value FROM compared',
          )
        ).rows.map(({ ordinal, value }) => [ordinal, value]),
      );
      const { rows: read } = await this.#client.query<{ value: string | null }>(
        `SELECT pg_temp.read_as($1, input) AS value
         FROM unnest($2::bytea[]) WITH ORDINALITY AS given (input, place) ORDER BY place`,
        [serverExpression(type), texts.map((text) => Buffer.from(meaning(text), 'latin1'))],
      );
      return texts.map((text, i) => ({
        text: shorten(text),
        edp: shorten(loaded.get(i)),
        code: codes[i],
        server: shorten(read[i]!.value ?? undefined),
      }));
    } finally {
      await this.#client.query('DROP TABLE compared');
    }
  }
}
