/** A difference that was found → its details: values in the file beside values in the table. */
import type pg from 'pg';
import { quoteColumns, quoteIdentifier } from '../../model/ddl.js';
import { OFFSET_COLUMN } from '../../model/kept-versions.js';
import { withFile } from '../../source/open-file.js';
import type { FieldBytes } from '../../values/copy-fields.js';
import { fieldText } from '../../values/copy-text.js';
import { copyRows } from './copy-out.js';
import type { DifferenceKind, FoundDifference } from './difference.js';
import { FileReader } from './file-rows.js';
import { type CanonicalFields, copyFields, isSame, KeyLookup } from './key-lookup.js';
import type { Snapshot, VerifySubject } from './prepare-verify.js';
import { RowReader } from './row-reader.js';
import type { ComparedColumn } from './shape.js';

/** A value as the server would print it; null for NULL, undefined where that side has no row. */
type Shown = string | null | undefined;

export interface DescribedDifference {
  readonly kind: DifferenceKind;
  readonly byteOffset?: number;
  /** Counts from 1. */
  readonly line?: number;
  readonly split?: { readonly startByte: number; readonly endByte: number };
  readonly key?: Readonly<Record<string, string | null>>;
  /** The columns that differ; all columns where one side has no row. */
  readonly columns?: readonly {
    readonly column: string;
    readonly file?: string | null;
    readonly table?: string | null;
  }[];
  /** The load that holds the row instead; null for none. */
  readonly holder?: number | null;
  readonly detail?: string;
}

const SEED = { first: 1, second: 2 };

export class Describer {
  readonly #client: pg.Client;
  readonly #subject: VerifySubject;
  readonly #snapshot: Snapshot;

  /** @param client sees the snapshot of the comparison */
  constructor(client: pg.Client, subject: VerifySubject, snapshot: Snapshot) {
    this.#client = client;
    this.#subject = subject;
    this.#snapshot = snapshot;
  }

  async describe(found: FoundDifference): Promise<DescribedDifference> {
    const { kind, byteOffset, line, holder, detail, row } = found;
    const described: DescribedDifference = {
      kind,
      ...(byteOffset === undefined ? {} : { byteOffset, ...this.#splitAt(byteOffset) }),
      ...(line === undefined ? {} : { line }),
      ...(holder === undefined ? {} : { holder }),
      ...(detail === undefined ? {} : { detail }),
    };
    if (row !== undefined) {
      const fields = await this.#rowAt(row);
      return fields === undefined
        ? described
        : { ...described, ...this.#key(fields), columns: this.#columns(undefined, fields) };
    }
    if (byteOffset === undefined || !IS_OF_A_ROW.has(kind)) return described;
    const record = await this.#recordAt(byteOffset);
    if (record === undefined) return described;
    const table = kind === 'missing' ? undefined : await this.#rowWithKeyOf(record, byteOffset);
    return { ...described, ...this.#key(record), columns: this.#columns(record, table) };
  }

  #splitAt(byteOffset: number): Pick<DescribedDifference, 'split'> {
    if (!this.#subject.isSameContent) return {};
    const receipt = this.#snapshot.receipts.find(
      ({ start, end }) => byteOffset >= start && byteOffset < end,
    );
    return receipt === undefined
      ? {}
      : { split: { startByte: receipt.start, endByte: receipt.end } };
  }

  #key(fields: CanonicalFields): Pick<DescribedDifference, 'key'> {
    const { key, columns } = this.#subject.shape;
    if (key.length === 0) return {};
    return {
      key: Object.fromEntries(
        key.map((column) => {
          const { name } = columns[column]!;
          return [name, shown(columns[column]!, fields[column]!)];
        }),
      ),
    };
  }

  #columns(
    file: CanonicalFields | undefined,
    table: CanonicalFields | undefined,
  ): NonNullable<DescribedDifference['columns']> {
    return this.#subject.shape.columns.flatMap((column, i) => {
      const ofFile: Shown = file && shown(column, file[i]!);
      const ofTable: Shown = table && shown(column, table[i]!);
      if (file !== undefined && table !== undefined && isSame(file[i]!, table[i]!)) return [];
      return {
        column: column.name,
        ...(ofFile === undefined ? {} : { file: ofFile }),
        ...(ofTable === undefined ? {} : { table: ofTable }),
      };
    });
  }

  /** The row of the record that starts there. */
  async #recordAt(byteOffset: number): Promise<CanonicalFields | undefined> {
    const { file, layout, plan, shape, promoted, load } = this.#subject;
    const source = { file, recordForm: layout.recordForm, plan: plan!, loadId: load.loadId };
    const reader = new RowReader(shape, 'file', new Set(promoted), SEED);
    let fields: CanonicalFields | undefined;
    await withFile(file, async (handle) => {
      const visitor = {
        row: ({ bytes, at }: { bytes: Buffer; at: number }) => {
          fields ??= copyFields(reader, bytes, at);
        },
        reject: () => {},
        strayReject: () => {},
        pause: async () => {},
      };
      const records = new FileReader(handle, source, undefined, visitor, undefined);
      await records.read(byteOffset, byteOffset + 1, undefined, () => {});
      await records.finish();
    });
    return fields;
  }

  async #rowWithKeyOf(
    record: CanonicalFields,
    byteOffset: number,
  ): Promise<CanonicalFields | undefined> {
    const { shape, target, table, load, promoted } = this.#subject;
    if (shape.key.length === 0) return undefined;
    const isVersion =
      table.hasVersions === true
        ? `t.${quoteIdentifier(table.lineageColumn!)} = ${load.loadId} AND t.${quoteIdentifier(OFFSET_COLUMN)} = ${byteOffset}`
        : 'true';
    const job = {
      shape,
      promoted,
      seed: SEED,
      table: target.table,
      lineageColumn: table.lineageColumn,
      loadId: load.loadId,
    };
    const lookup = new KeyLookup(this.#client, job, isVersion);
    let row: CanonicalFields | undefined;
    await lookup.find([record], ({ fields, holder }) => {
      if (row === undefined || holder === load.loadId) row = fields;
    });
    return row;
  }

  async #rowAt(row: NonNullable<FoundDifference['row']>): Promise<CanonicalFields | undefined> {
    const { shape, target, promoted } = this.#subject;
    const reader = new RowReader(shape, 'table', new Set(promoted), SEED);
    const select = `SELECT ${quoteColumns(shape.columns.map(({ name }) => name))}
      FROM ${target.table} WHERE ctid = '(${row.block},${row.item})'::tid AND tableoid = ${row.table}`;
    let fields: CanonicalFields | undefined;
    await copyRows(this.#client, select, (bytes, _view, at) => {
      fields = copyFields(reader, Buffer.from(bytes.subarray(at)), 0);
    });
    return fields;
  }
}

const IS_OF_A_ROW: ReadonlySet<DifferenceKind> = new Set([
  'missing',
  'changed',
  'replaced',
  'unaccounted',
]);

function shown(column: ComparedColumn, field: FieldBytes): string | null {
  if (field === null) return null;
  // Canonical JSON is without its version number.
  return column.type === 'jsonb' ? field.toString() : fieldText(column.type, field);
}
