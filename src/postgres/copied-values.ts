/**
 * Values that columns copy from rows of other tables. Those who load hold the rows until their commit, so that a value
 * is the one that the row has then; what changes later is mended by `edp run`.
 */
import type pg from 'pg';
import { quoteIdentifier, quoteTable } from '../model/ddl.js';
import { type ColumnType, SQL_TYPE } from '../model/types.js';

/** A column that copies. Plain data. */
export interface CopyingColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** The column with the key of the other table. */
  readonly by: string;
  readonly byType: ColumnType;
  /** The other table, as the model names it. */
  readonly table: string;
  readonly key: string;
  readonly column: string;
}

/** The functions by which the server sends values in binary form. */
const SEND: Readonly<Record<ColumnType, string>> = {
  smallint: 'int2send',
  int: 'int4send',
  bigint: 'int8send',
  real: 'float4send',
  double: 'float8send',
  numeric: 'numeric_send',
  text: 'textsend',
  boolean: 'boolsend',
  date: 'date_send',
  timestamp: 'timestamp_send',
  timestamptz: 'timestamptz_send',
  uuid: 'uuid_send',
  json: 'json_send',
  jsonb: 'jsonb_send',
};

/** Types of keys that are looked up in memory; for others, the server looks them up. */
export const LOOKED_UP: ReadonlySet<ColumnType> = new Set(['smallint', 'int', 'bigint', 'text']);

/** Key, as the server writes it, and value in binary form; null for NULL. */
export type CopiedValue = readonly [key: string, value: Buffer | null];

/** More rows are not kept in memory. */
const MAX_ROWS = 1_000_000;

const sent = ({ column, type }: CopyingColumn) =>
  `${SEND[type]}(d.${quoteIdentifier(column)}::${SQL_TYPE[type]})`;

/** @returns undefined where there are too many */
export async function readCopied(
  client: pg.Client,
  copy: CopyingColumn,
): Promise<CopiedValue[] | undefined> {
  const { rows } = await client.query<{ key: string; value: Buffer | null }>(
    `SELECT d.${quoteIdentifier(copy.key)}::text AS key, ${sent(copy)} AS value
     FROM ${quoteTable(copy.table)} d WHERE d.${quoteIdentifier(copy.key)} IS NOT NULL LIMIT ${MAX_ROWS + 1}`,
  );
  if (rows.length > MAX_ROWS) return undefined;
  return rows.map(({ key, value }) => [key, value]);
}

/**
 * Looks values up again, and holds the rows until the transaction ends, as far as the role may: nobody changes them
 * meanwhile.
 *
 * @param keys as text
 * @returns of those that are there
 */
export async function holdCopied(
  client: pg.Client,
  copy: CopyingColumn,
  keys: readonly string[],
): Promise<Map<string, Buffer | null>> {
  if (keys.length === 0) return new Map();
  const hold = (await mayHold(client, copy)) ? ' FOR SHARE OF d' : '';
  const { rows } = await client.query<{ key: string; value: Buffer | null }>(
    `SELECT v.key, ${sent(copy)} AS value FROM unnest($1::text[]) AS v (key)
     JOIN ${quoteTable(copy.table)} d ON d.${quoteIdentifier(copy.key)} = v.key::${SQL_TYPE[copy.byType]}${hold}`,
    [keys],
  );
  return new Map(rows.map(({ key, value }) => [key, value]));
}

async function mayHold(client: pg.Client, { table }: CopyingColumn): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `SELECT has_any_column_privilege($1, 'UPDATE') OR has_table_privilege($1, 'DELETE') AS may`,
    [quoteTable(table)],
  );
  return rows[0]!.may;
}

/** Fills the copying column of staged rows, and holds the rows that it looked up. @param stage quoted */
export async function fillCopied(
  client: pg.Client,
  copy: CopyingColumn,
  stage: string,
): Promise<void> {
  const other = quoteTable(copy.table);
  const isSame = `d.${quoteIdentifier(copy.key)} = s.${quoteIdentifier(copy.by)}`;
  if (await mayHold(client, copy)) {
    await client.query(
      `SELECT FROM ${other} d WHERE EXISTS (SELECT FROM ${stage} s WHERE ${isSame}) FOR SHARE OF d`,
    );
  }
  await client.query(
    `UPDATE ${stage} s SET ${quoteIdentifier(copy.name)} = d.${quoteIdentifier(copy.column)}
     FROM ${other} d WHERE ${isSame}`,
  );
}

/** Copied values of one column, as threads share them. */
export interface SharedValues {
  /** Differs for each. */
  readonly id: number;
  readonly bytes: SharedArrayBuffer;
}

export const NULL_FIELD = Buffer.from([0xff, 0xff, 0xff, 0xff]);

/** A value as a field of a row: with its length before it. */
export function toField(value: Uint8Array | null): Buffer {
  if (value === null) return NULL_FIELD;
  const field = Buffer.allocUnsafe(4 + value.length);
  field.writeInt32BE(value.length);
  field.set(value, 4);
  return field;
}

/** @returns memory that all threads can read */
export function shareValues(id: number, values: readonly CopiedValue[]): SharedValues {
  const parts = values.flatMap(([key, value]) => {
    const text = Buffer.from(key);
    const head = Buffer.allocUnsafe(4);
    head.writeInt32BE(text.length);
    return [head, text, toField(value)];
  });
  const bytes = new SharedArrayBuffer(parts.reduce((sum, { length }) => sum + length, 0));
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return { id, bytes };
}
