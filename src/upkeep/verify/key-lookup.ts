/** Records → the rows of the table that have their keys, whatever load they belong to. */
import type pg from 'pg';
import { quoteIdentifier } from '../../model/ddl.js';
import type { FieldBytes } from '../../values/copy-fields.js';
import { fieldText } from '../../values/copy-text.js';
import { looseField } from './canonical-row.js';
import { copyRows } from './copy-out.js';
import { RowReader, viewOf } from './row-reader.js';
import { STATUS, type VerifyJob } from './verify-task.js';

export interface LookedUp {
  /** One of {@link STATUS}. */
  readonly status: number;
  /** The load that the row belongs to; -1 for none. */
  readonly holder: number;
}

/** Canonical fields of a record, or of a row. */
export type CanonicalFields = readonly FieldBytes[];

/** A row of the table with the key of a record. */
export interface KeyedRow {
  /** Index of the record. */
  readonly record: number;
  readonly fields: CanonicalFields;
  readonly holder: number;
}

export type LookupJob = Pick<
  VerifyJob,
  'shape' | 'promoted' | 'seed' | 'table' | 'lineageColumn' | 'loadId'
>;

export class KeyLookup {
  readonly #client: pg.Client;
  readonly #job: LookupJob;
  readonly #reader: RowReader;
  readonly #select: string;

  /** @param condition on the rows `t` of the table */
  constructor(client: pg.Client, job: LookupJob, condition = 'true') {
    this.#client = client;
    this.#job = job;
    this.#reader = new RowReader(job.shape, 'table', new Set(job.promoted), job.seed);
    const { columns, key } = job.shape;
    const lineage =
      job.lineageColumn === undefined ? 'NULL::bigint' : `t.${quoteIdentifier(job.lineageColumn)}`;
    const lists = key.map((_, i) => `current_setting('edp.key${i}')::text[]`);
    const names = key.map((_, i) => `k${i}`);
    const matches = key.map((column, i) => {
      const { name, sqlType } = columns[column]!;
      return `t.${quoteIdentifier(name)} = k.k${i}::${sqlType}`;
    });
    this.#select = `SELECT ${columns.map(({ name }) => `t.${quoteIdentifier(name)}`).join(', ')},
        ${lineage}, k.n
      FROM unnest(${lists.join(', ')}) WITH ORDINALITY AS k (${[...names, 'n'].join(', ')})
      JOIN ${job.table} t ON ${matches.join(' AND ')} AND ${condition}`;
  }

  /** Compares each record with the table's row that has its key. */
  async compare(records: readonly CanonicalFields[]): Promise<LookedUp[]> {
    const found: LookedUp[] = records.map(() => ({ status: STATUS.noRow, holder: -1 }));
    await this.find(records, ({ record, fields, holder }) => {
      const status = this.#statusOf(records[record]!, fields, holder);
      const before = found[record]!.status;
      // If several rows have the key, the one that agrees best with the record counts.
      if (before === STATUS.noRow || status < before) found[record] = { status, holder };
    });
    return found;
  }

  /**
   * Calls `visit` with every row that has the key of one of the records.
   *
   * COPY takes no parameters, so the keys are passed as settings of the transaction: values never
   * become SQL.
   */
  async find(records: readonly CanonicalFields[], visit: (row: KeyedRow) => void): Promise<void> {
    if (records.length === 0) return;
    const { columns, key } = this.#job.shape;
    for (const [i, column] of key.entries()) {
      const { type } = columns[column]!;
      const values = records.map((fields) => keyText(type, fields[column]!));
      await this.#client.query(`SELECT set_config('edp.key${i}', ($1::text[])::text, true)`, [
        values,
      ]);
    }
    await copyRows(this.#client, this.#select, (bytes, view, at) => {
      const fields = this.#reader
        .fields(bytes, view, at)
        .map((field) => field && Buffer.from(field));
      let position = this.#reader.end;
      const hasHolder = view.getInt32(position) >= 0;
      const holder = hasHolder ? Number(view.getBigInt64(position + 4)) : -1;
      position += hasHolder ? 12 : 4;
      visit({ record: Number(view.getBigInt64(position + 4)) - 1, fields, holder });
    });
  }

  #statusOf(record: CanonicalFields, row: CanonicalFields, holder: number): number {
    const { shape, lineageColumn, loadId } = this.#job;
    const isOwn = lineageColumn === undefined || holder === loadId;
    if (isOwn && record.every((field, i) => isSame(field, row[i]!))) return STATUS.ownSame;
    const isEqual = shape.columns.every((column, i) =>
      isSame(looseField(column, record[i]!), looseField(column, row[i]!)),
    );
    if (!isOwn) return isEqual ? STATUS.otherEqual : STATUS.otherDiffers;
    if (!isEqual) return STATUS.ownDiffers;
    const isRespelled = record.every((field, i) => shape.key.includes(i) || isSame(field, row[i]!));
    return isRespelled ? STATUS.ownRespelled : STATUS.ownEqual;
  }
}

/** jsonb is without its version number here. */
function keyText(type: Parameters<typeof fieldText>[0], field: FieldBytes): string {
  return type === 'jsonb' ? field!.toString() : fieldText(type, field!);
}

export function isSame(a: FieldBytes, b: FieldBytes): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}

/** The canonical fields of a row, copied into their own bytes. */
export function copyFields(reader: RowReader, bytes: Buffer, at: number): CanonicalFields {
  return reader.fields(bytes, viewOf(bytes), at).map((field) => field && Buffer.from(field));
}
