/** What all generators read: the tables of the model that change events can be about. Plain data. */
import { type EventColumn, type EventTable, toEventTable } from '../events/event-table.js';
import type { Capture, CapturedColumn, CapturedTable } from '../model/capture.js';
import type { Column, Model, Notes, Reference, Table } from '../model/model.js';
import { isRealizable, whyNotRealizable } from '../model/realized-model.js';
import { plainTableName } from '../model/table-name.js';

interface CatalogueColumn extends EventColumn, Pick<Notes, 'owner' | 'tags'> {
  /** False for columns of the key. Realized tables enforce the key alone. */
  readonly nullable: boolean;
  /** The key of another table of the model, which the catalogue need not have. */
  readonly references?: Reference;
  /** All values that it is meant to have, where `values:` lists them. */
  readonly values?: readonly string[];
}

/** Where the rows of a table come from. */
interface CatalogueSource {
  /** Of the source, in events. */
  readonly source: string;
  readonly from: string;
  readonly where?: string;
  /** Whether a calculation or method that fails makes the transaction of the writer fail. */
  readonly isStrict: boolean;
  /** Declared attributes only; any other one is the column of its name. */
  readonly columns: Readonly<Record<string, CapturedColumn>>;
}

/** A task of the warehouse that reads a table, or its history. */
export interface TableReader {
  readonly task: string;
  /** `silver`, `fact`, … */
  readonly kind: string;
  /** Column of the table → columns of the task that are made of it, as far as the declarations say. */
  readonly columns: ReadonlyMap<string, readonly string[]>;
}

export interface CatalogueTable extends EventTable, Pick<Notes, 'owner' | 'tags'> {
  readonly columns: readonly CatalogueColumn[];
  /** Columns of each further index. */
  readonly indexes: readonly (readonly string[])[];
  /** Its published versions, in order. */
  readonly published: readonly number[];
  /** Undefined where `capture:` does not have it. */
  readonly captured?: CatalogueSource;
  /** Undefined where nobody has asked the project's tasks. */
  readonly readers?: readonly TableReader[];
}

export interface Catalogue {
  readonly tables: readonly CatalogueTable[];
  /** The other tables of the model, with the reason. */
  readonly others: readonly { readonly table: string; readonly why: string }[];
}

/**
 * @param published table → its published versions, in order
 * @param readers table → the tasks that read it; undefined where nobody has asked
 */
export function toCatalogue(
  { tables }: Model,
  capture?: Capture,
  published: ReadonlyMap<string, readonly number[]> = new Map(),
  readers?: ReadonlyMap<string, readonly TableReader[]>,
): Catalogue {
  const captured = new Map(
    capture?.tables.map((table) => [plainTableName(table.table), table] as const),
  );
  return {
    tables: tables.filter(isRealizable).map((table) => ({
      ...toCatalogueTable(table, captured.get(plainTableName(table.name)), capture),
      published: published.get(table.name) ?? [],
      ...(readers === undefined ? {} : { readers: readers.get(table.name) ?? [] }),
    })),
    others: tables.flatMap((table) => {
      const why = whyNotRealizable(table);
      return why === undefined ? [] : [{ table: table.name, why }];
    }),
  };
}

function toCatalogueTable(
  table: Table,
  captured: CapturedTable | undefined,
  capture: Capture | undefined,
): Omit<CatalogueTable, 'published' | 'readers'> {
  const event = toEventTable(table, captured && findCalculated(captured));
  const byName = new Map(table.columns.map((column) => [column.name, column]));
  return {
    ...event,
    ...toOwnership(table.notes),
    columns: event.columns.map((column) => ({
      ...column,
      ...toDetails(byName.get(column.name)!, table.key),
    })),
    indexes: table.indexes,
    ...(captured === undefined ? {} : { captured: toSource(captured, capture!) }),
  };
}

function toDetails(
  { name, isNullable, references, corrections, notes }: Column,
  key: readonly string[],
) {
  return {
    nullable: isNullable && !key.includes(name),
    ...toOwnership(notes),
    ...(references === undefined ? {} : { references }),
    ...(corrections?.values === undefined ? {} : { values: Object.keys(corrections.values) }),
  };
}

function toOwnership({ owner, tags }: Notes = {}): Pick<Notes, 'owner' | 'tags'> {
  return { ...(owner === undefined ? {} : { owner }), ...(tags === undefined ? {} : { tags }) };
}

function toSource(
  { from, where, columns }: CapturedTable,
  { name, isStrict }: Capture,
): CatalogueSource {
  return { source: name, from, ...(where === undefined ? {} : { where }), isStrict, columns };
}

function findCalculated({ columns }: CapturedTable): string[] {
  return Object.entries(columns).flatMap(([column, { kind }]) =>
    kind === 'calculation' || kind === 'method' ? [column] : [],
  );
}
