/** The tables that events are about, with what is compiled for them in this thread. */
import { changeSchema } from '../../events/event-schema.js';
import type { EventTable } from '../../events/event-table.js';
import { Fault } from '../../model/reject-codes.js';
import { AttributeCorrections } from './attribute-corrections.js';
import { compileSchema, type SchemaCheck } from './compile-schema.js';
import { type Storable, storableOf } from './event-values.js';
import { QuickCheck } from './quick-check.js';

export class CatalogTable {
  readonly declared: EventTable;
  readonly types: ReadonlyMap<string, EventTable['columns'][number]['type']>;
  readonly keyTypes: readonly EventTable['columns'][number]['type'][];
  /** Undefined where no column declares any. */
  readonly corrections: AttributeCorrections | undefined;
  /** Attributes whose JSON is kept as it is written. */
  readonly jsonColumns: readonly string[];
  readonly ignored: ReadonlySet<string>;
  /** Whether it has numbers that JavaScript would round. */
  readonly hasNumeric: boolean;
  /** By attribute: what the schema does not tell. */
  readonly #storable: ReadonlyMap<string, Storable>;
  readonly #quick: QuickCheck;
  #check: SchemaCheck | undefined;
  #fields: ReadonlyMap<string, string> | undefined;

  constructor(declared: EventTable) {
    this.declared = declared;
    this.types = new Map(declared.columns.map(({ name, type }) => [name, type]));
    this.keyTypes = declared.key.map((name) => this.types.get(name) ?? 'text');
    this.corrections = AttributeCorrections.compile(declared);
    this.jsonColumns = declared.columns
      .filter(({ type }) => type === 'json' || type === 'jsonb')
      .map(({ name }) => name);
    this.hasNumeric = declared.columns.some(({ type }) => type === 'numeric');
    this.ignored = new Set(declared.ignored);
    this.#quick = new QuickCheck(declared);
    this.#storable = new Map(
      declared.columns.flatMap(({ name, type }) => {
        const storable = storableOf(type);
        return storable === undefined ? [] : [[name, storable] as const];
      }),
    );
  }

  /** Attribute by the name that records of Debezium have for it. */
  get fields(): ReadonlyMap<string, string> {
    this.#fields ??= new Map(
      this.declared.columns.map(({ name, field = name }) => [field, name] as const),
    );
    return this.#fields;
  }

  /** The name that records of Debezium have for an attribute. */
  fieldOf(name: string): string {
    return this.declared.columns.find((column) => column.name === name)?.field ?? name;
  }

  /** The fault of `data`, lifted and corrected: so columns have no corrections left. */
  check(data: object): Fault | undefined {
    if (this.#quick.accepts(data as Record<string, unknown>)) return undefined;
    if (this.#check === undefined) {
      const columns = this.declared.columns.map(({ corrections: _, ...column }) => column);
      this.#check = compileSchema(changeSchema({ ...this.declared, columns }));
    }
    return this.#check(data);
  }

  /** The fault of a value that its schema takes, and the server would not. */
  findUnstorable(data: {
    readonly key?: Readonly<Record<string, unknown>>;
    readonly after?: Readonly<Record<string, unknown>>;
    readonly before?: Readonly<Record<string, unknown>>;
  }): Fault | undefined {
    if (this.#storable.size === 0) return undefined;
    return this.#findIn(data.after) ?? this.#findIn(data.key) ?? this.#findIn(data.before);
  }

  #findIn(attributes: Readonly<Record<string, unknown>> | undefined): Fault | undefined {
    if (attributes === undefined) return undefined;
    for (const name in attributes) {
      const reason = this.#storable.get(name)?.(attributes[name]);
      if (reason !== undefined) return new Fault('bad_schema', reason, name);
    }
    return undefined;
  }
}

export type EventCatalog = ReadonlyMap<string, CatalogTable>;

let last: { readonly text: string; readonly catalog: EventCatalog } | undefined;

export function readCatalog(text: string): EventCatalog {
  if (last?.text !== text) {
    const tables = JSON.parse(text) as EventTable[];
    const catalog = new Map(tables.map((table) => [table.name, new CatalogTable(table)]));
    last = { text, catalog };
  }
  return last.catalog;
}
