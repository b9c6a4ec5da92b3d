/** The section `capture`, the model and the catalog of the source → a {@link CapturePlan}. */
import type pg from 'pg';
import type { DatabaseError } from 'pg';
import { EdpError } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { retry } from '../base/retry.js';
import type { Capture, CapturedColumn, CapturedTable } from '../model/capture.js';
import { quoteIdentifier, quoteName } from '../model/ddl.js';
import { findNamedTable, type Model, type Table } from '../model/model.js';
import { isSameTable } from '../model/table-name.js';
import { SQL_TYPE } from '../model/types.js';
import { isConnectionError, isTransient, mayBeAboutRecord } from '../postgres/sqlstate.js';
import { definitionOf } from './definition.js';
import { findUncaptured } from './find-uncaptured.js';
import { comparisonOf, fits, formOf, jsonText, neededSettings, plainText } from './json-values.js';
import {
  type Attribute,
  type CalculatedAttribute,
  type CapturedModel,
  type CapturedSource,
  type CapturePlan,
  type MethodAttribute,
  mostNeeded,
  type NeededSettings,
  type Touching,
} from './plan.js';
import { publishedTables } from './published-key.js';
import { type DeferrableKey, readCatalog, readTypes, type SourceTable } from './read-catalog.js';
import { readSearchPath, type SearchPath } from './search-path.js';

interface Faults {
  add(place: string | undefined, message: string): void;
}

/** @throws EdpError `config` that lists what does not fit the source, each with its line in edp.yaml */
export async function resolvePlan(
  client: pg.Client,
  capture: Capture,
  model: Model,
): Promise<CapturePlan> {
  const { plan, misfits } = await findPlan(client, capture, model);
  if (misfits.length === 0) return plan;
  throw new EdpError(
    'config',
    `capture: does not fit the source:\n${misfits.map((line) => `  ${line}`).join('\n')}`,
    { hint: 'docs/capture.md says what can be captured' },
  );
}

export interface FoundPlan {
  /** Of the tables that fit. */
  readonly plan: CapturePlan;
  /** What does not fit the source, each with its line in edp.yaml. */
  readonly misfits: readonly string[];
}

export async function findPlan(
  client: pg.Client,
  capture: Capture,
  model: Model,
): Promise<FoundPlan> {
  const names = new Set(
    capture.tables.flatMap(({ from, columns }) => [
      from,
      ...Object.values(columns).flatMap((form) =>
        form.kind === 'calculation' || form.kind === 'method' ? Object.keys(form.alsoOn) : [],
      ),
    ]),
  );
  const catalog = await readCatalog(client, [...names]);
  const list: string[] = [];
  const warnings: string[] = [];
  const faults: Faults = {
    add: (place, message) => list.push(`${place === undefined ? '' : `${place}: `}${message}`),
  };
  const path = await readSearchPath(client, [...catalog.values()]);
  const resolver = new Resolver(client, capture, model, catalog, path, faults, warnings);
  const models: CapturedModel[] = [];
  for (const declared of capture.tables) {
    const found = await resolver.resolve(declared);
    if (found !== undefined) models.push(found);
  }
  const plan = {
    sourceName: `edp:${capture.name}`,
    isStrict: capture.isStrict,
    capBytes: capture.outboxCapMb * 1024 * 1024,
    models,
    sources: groupBySource(models),
    published: publishedTables(model),
    uncaptured: findUncaptured(capture, model, catalog, (declared) =>
      formsOf(declared, findNamedTable(model, declared.table)!).values(),
    ),
    warnings,
  };
  return { plan, misfits: list };
}

function groupBySource(models: readonly CapturedModel[]): CapturedSource[] {
  const tables = new Map<number, SourceTable>();
  for (const { source, touching } of models) {
    tables.set(source.oid, source);
    for (const other of touching) tables.set(other.source.oid, other.source);
  }
  return [...tables.values()].map((table) => ({
    table,
    models: models.filter(({ source }) => source.oid === table.oid),
    touches: models.flatMap((model) =>
      model.touching
        .filter(({ source }) => source.oid === table.oid)
        .map((touching) => ({ model, touching })),
    ),
  }));
}

class Resolver {
  readonly #client: pg.Client;
  readonly #capture: Capture;
  readonly #model: Model;
  readonly #catalog: ReadonlyMap<string, SourceTable>;
  readonly #path: SearchPath;
  readonly #faults: Faults;
  readonly #warnings: string[];

  constructor(
    client: pg.Client,
    capture: Capture,
    model: Model,
    catalog: ReadonlyMap<string, SourceTable>,
    path: SearchPath,
    faults: Faults,
    warnings: string[],
  ) {
    this.#client = client;
    this.#capture = capture;
    this.#model = model;
    this.#catalog = catalog;
    this.#path = path;
    this.#faults = faults;
    this.#warnings = warnings;
  }

  async resolve(declared: CapturedTable): Promise<CapturedModel | undefined> {
    const { from, place, places = {} } = declared;
    const table = findNamedTable(this.#model, declared.table)!;
    const source = this.#findSource(from, place, `${declared.table}: `);
    if (source === undefined) return undefined;
    const forms = formsOf(declared, table);
    const values = new Map<string, string>();
    const references = new Map<string, Parent>();
    for (const [name, form] of forms) {
      const where = places[name] ?? place;
      if (form.kind === 'reference') {
        const parent = this.#findParent(form, source, where, `${declared.table}.${name}: `);
        if (parent !== undefined) references.set(name, parent);
      }
      if (form.kind === 'column' || form.kind === 'reference') {
        const remedy = declared.columns[name] === undefined ? whyFilled(name, table) : '';
        if (!this.#hasColumn(source, form.column, where, `${declared.table}.${name}`, remedy))
          continue;
        // A table that an expression reads beside it may have such a column, too.
        values.set(name, `${quoteIdentifier(source.name)}.${quoteIdentifier(form.column)}`);
      } else if (form.kind !== 'method') values.set(name, `(${form.sql}\n)`);
    }
    const types = await this.#describe(declared, source, values);
    if (types === undefined) return undefined;
    const identity = this.#findIdentity(declared, table, source, forms);
    if (identity === undefined) return undefined;
    return this.#assemble(declared, table, source, forms, values, references, types, identity);
  }

  #assemble(
    declared: CapturedTable,
    table: Table,
    source: SourceTable,
    forms: ReadonlyMap<string, CapturedColumn>,
    values: ReadonlyMap<string, string>,
    references: ReadonlyMap<string, Parent>,
    types: ReadonlyMap<string, string>,
    identity: readonly string[],
  ): CapturedModel {
    const attributes: Attribute[] = [];
    const calculations: CalculatedAttribute[] = [];
    const methods: MethodAttribute[] = [];
    const touching: Touching[] = [];
    const settings: NeededSettings[] = [];
    const alias = source.name === 'edp_parent' ? 'edp_parent_' : 'edp_parent';
    for (const [name, form] of forms) {
      const { type } = table.columns.find((column) => column.name === name)!;
      if (form.kind === 'method') {
        methods.push({ name, type });
        touching.push(...this.#touchingOf(form.alsoOn, declared, name, source, identity));
        continue;
      }
      const value = values.get(name)!;
      const found = types.get(name)!;
      const parent = references.get(name);
      const label = `${declared.table}.${name}`;
      const actual = parent?.keyType ?? found;
      if (!fits(type, actual)) {
        this.#warnings.push(
          `${label} is ${type}, and its values in the source are ${actual}: they are published as strings, and an event whose value is no ${type} is rejected; {sql: …} converts it in the source`,
        );
      }
      const isOwn = form.kind === 'sql' || form.kind === 'calculation';
      const valueForm = formOf(type, actual);
      settings.push(isOwn ? 'all' : neededSettings(actual, valueForm));
      if (form.kind === 'calculation') {
        calculations.push({ name, json: jsonText(valueForm, value) });
        touching.push(...this.#touchingOf(form.alsoOn, declared, name, source, identity));
        continue;
      }
      const column =
        form.kind === 'sql' ? undefined : source.columns.find((one) => one.name === form.column);
      const ofParent = (
        text: typeof jsonText,
        { source: rows, key, refersTo }: Parent,
        of: string,
      ) =>
        `(SELECT ${text(valueForm, `${alias}.${quoteIdentifier(key)}`)} FROM ${quoteName(rows)} AS ${alias} WHERE ${alias}.${quoteIdentifier(refersTo)} = ${of})`;
      const json = (of: string) =>
        parent === undefined
          ? jsonText(valueForm, of)
          : `coalesce(${ofParent(jsonText, parent, of)}, 'null')`;
      attributes.push({
        name,
        value,
        comparison: comparisonOf(found, column?.isLoose === true),
        isReference: parent !== undefined,
        isColumn: form.kind !== 'sql',
        kind: valueForm.kind,
        json,
        text: (of) => (parent === undefined ? plainText(valueForm, of) : `${of}::text`),
        plain: (of) =>
          parent === undefined ? plainText(valueForm, of) : ofParent(plainText, parent, of),
      });
      // The parent may come later in the same transaction.
      if (parent?.isLate === true) calculations.push({ name, json: json(value) });
    }
    return {
      name: table.name,
      version: table.version ?? 1,
      source,
      key: table.key,
      attributes,
      calculations,
      methods,
      touching,
      where: declared.where,
      identity,
      readBy: readingKey(table, source, forms) ?? identity,
      definition: definitionOf(this.#capture, declared, table),
      searchPath: this.#path.sql,
      settings: mostNeeded(settings),
    };
  }

  #explainPath(): string {
    const { schemas, unsafe } = this.#path;
    const left = unsafe.map(({ schema, role }) => `${schema}, where ${role} may create functions`);
    const without = left.length === 0 ? '' : `, without ${left.join(', and ')}`;
    return ` (names without a schema are looked up in ${['pg_catalog', ...schemas].join(', ')}${without})`;
  }

  #findSource(name: string, place: string | undefined, label: string): SourceTable | undefined {
    const found = this.#catalog.get(name);
    const fault = found === undefined ? `the source has no table ${name}` : whyNot(found);
    if (fault === undefined) return found;
    this.#faults.add(place, `${label}${fault}`);
    return undefined;
  }

  /** @param remedy of an attribute that nothing is said of */
  #hasColumn(
    source: SourceTable,
    name: string,
    place: string | undefined,
    label: string,
    remedy = '',
  ): boolean {
    const column = source.columns.find((one) => one.name === name);
    if (column === undefined) {
      const names = source.columns.map((one) => one.name);
      const meant = nearest(name, names);
      this.#faults.add(
        place,
        `${label}: ${source.schema}.${source.name} has no column ${name}${meant === undefined ? '' : `; did you mean "${meant}"?`}${remedy}`,
      );
      return false;
    }
    if (column.isVirtual) {
      this.#faults.add(
        place,
        `${label}: ${name} is a virtual generated column, which triggers do not see; write its expression as {sql}`,
      );
    }
    return !column.isVirtual;
  }

  /**
   * The types of all values: pg_type.typname by attribute; undefined where the source refuses them, which is then a fault.
   * Whoever waits for a table may be the one that the server picks in a deadlock, even if it holds nothing itself.
   */
  #describe(
    declared: CapturedTable,
    source: SourceTable,
    values: ReadonlyMap<string, string>,
  ): Promise<ReadonlyMap<string, string> | undefined> {
    return retry(
      () => this.#describeOnce(declared, source, values),
      (error) => {
        const { code } = error as { code?: string };
        return isTransient(code) && !isConnectionError(code);
      },
    );
  }

  async #describeOnce(
    { table, place, places = {}, where }: CapturedTable,
    source: SourceTable,
    values: ReadonlyMap<string, string>,
  ): Promise<ReadonlyMap<string, string> | undefined> {
    const relation = quoteName(source);
    const alias = quoteIdentifier(source.name);
    const ask = (sql: readonly string[], filter?: string) =>
      this.#client.query({
        text: `SELECT ${sql.join(', ')} FROM ${relation} AS ${alias} WHERE ${filter === undefined ? 'true' : `(${filter}\n)`} LIMIT 0`,
        rowMode: 'array',
      });
    // As the triggers will read it.
    await this.#client.query('BEGIN');
    try {
      await this.#client.query(`SET LOCAL search_path = ${this.#path.sql}`);
      await this.#client.query('SAVEPOINT one');
      const { fields } = await ask([...values.values()], where);
      const types = await readTypes(
        this.#client,
        fields.map(({ dataTypeID }) => dataTypeID),
      );
      return new Map(
        [...values.keys()].map((name, i) => [name, types.get(fields[i]!.dataTypeID)!]),
      );
    } catch (error) {
      assertSaysSo(error);
      const tried: [string, string | undefined, readonly string[], string?][] = [
        ...[...values].map(([name, sql]): [string, string | undefined, readonly string[]] => [
          `${table}.${name}`,
          places[name] ?? place,
          [sql],
        ]),
        [`${table}: where`, place, ['1'], where],
      ];
      const refusals: [string | undefined, string, DatabaseError][] = [];
      const forbidden = new Map<string, string[]>();
      for (const [label, at, sql, filter] of tried) {
        await this.#client.query('ROLLBACK TO one');
        try {
          await ask(sql, filter);
        } catch (refusal) {
          assertSaysSo(refusal);
          const { code, message } = refusal;
          if (code === '42501') forbidden.set(message, [...(forbidden.get(message) ?? []), label]);
          else refusals.push([at, label, refusal]);
        }
      }
      // A right that is missing on a table concerns all its attributes.
      for (const [message, labels] of forbidden) {
        const label = labels.length === tried.length ? table : labels.join(', ');
        this.#faults.add(
          place,
          `${label}: the source says: ${message}; docs/capture.md, Roles, has the grants`,
        );
      }
      // Each by itself may pass where all of them do not.
      if (refusals.length + forbidden.size === 0) refusals.push([place, table, error]);
      for (const [at, label, { message }] of refusals) {
        this.#faults.add(at, `${label}: the source says: ${message}${this.#explainPath()}`);
      }
      return undefined;
    } finally {
      await this.#client.query('ROLLBACK').catch(() => {});
    }
  }

  /** Columns of the source that tell its rows apart; the key of the model must contain a unique key. */
  #findIdentity(
    { table: name, place, places = {} }: CapturedTable,
    table: Table,
    source: SourceTable,
    forms: ReadonlyMap<string, CapturedColumn>,
  ): readonly string[] | undefined {
    const [first] = source.uniqueKeys;
    if (first === undefined) {
      const [deferrable] = source.deferrableKeys;
      this.#faults.add(
        place,
        deferrable === undefined
          ? `${name}: ${source.schema}.${source.name} has no key: a primary key, or a unique index on columns that are NOT NULL`
          : `${name}: ${whyDeferrable(source, deferrable)}`,
      );
      return undefined;
    }
    const keyForms = table.key.map((key) => forms.get(key)!);
    if (keyForms.some(({ kind }) => kind === 'sql')) return first;
    const columns = keyForms.map((form) => (form as { column: string }).column);
    const isUnique = source.uniqueKeys.some((key) => key.every((one) => columns.includes(one)));
    if (isUnique) return first;
    const deferrable = source.deferrableKeys.find(({ columns: key }) =>
      key.every((one) => columns.includes(one)),
    );
    if (deferrable !== undefined) {
      this.#faults.add(place, `${name}: ${whyDeferrable(source, deferrable)}`);
      return undefined;
    }
    this.#faults.add(
      places[table.key[0]!] ?? place,
      `${name}: the key ${table.key.join(', ')} is filled from ${columns.join(', ')}, which is not unique and NOT NULL in ${source.schema}.${source.name}`,
    );
    return undefined;
  }

  #findParent(
    { column, table }: Extract<CapturedColumn, { kind: 'reference' }>,
    source: SourceTable,
    place: string | undefined,
    label: string,
  ): Parent | undefined {
    const declared = this.#capture.tables.find((one) => isSameTable(one.table, table))!;
    const model = findNamedTable(this.#model, declared.table)!;
    const parent = this.#catalog.get(declared.from);
    // Reported where it is declared.
    if (parent === undefined) return undefined;
    const [key, ...others] = model.key;
    const form = declared.columns[key!] ?? ({ kind: 'column', column: key! } as const);
    if (others.length > 0 || form.kind !== 'column') {
      this.#faults.add(place, `${label}the key of ${table} must be one column of its source`);
      return undefined;
    }
    const foreign = source.foreignKeys.find(
      ({ columns, table: { schema, name } }) =>
        columns.length === 1 &&
        columns[0] === column &&
        schema === parent.schema &&
        name === parent.name,
    );
    const [primary = []] = parent.uniqueKeys;
    const refersTo = foreign?.keys[0] ?? (primary.length === 1 ? primary[0] : undefined);
    const keyColumn = parent.columns.find((one) => one.name === form.column);
    if (refersTo === undefined || keyColumn === undefined) {
      this.#faults.add(
        place,
        `${label}no foreign key says which column of ${parent.schema}.${parent.name} it refers to`,
      );
      return undefined;
    }
    return {
      source: parent,
      key: form.column,
      keyType: keyColumn.typeName,
      refersTo,
      isLate: foreign === undefined || foreign.isDeferrable,
    };
  }

  #touchingOf(
    alsoOn: Readonly<Record<string, string>>,
    { table, place, places = {} }: CapturedTable,
    attribute: string,
    captured: SourceTable,
    identity: readonly string[],
  ): Touching[] {
    const at = places[attribute] ?? place;
    return Object.entries(alsoOn).flatMap(([name, column]): Touching[] => {
      const label = `${table}.${attribute}: `;
      const source = this.#findSource(name, at, label);
      if (source === undefined || !this.#hasColumn(source, column, at, `${table}.${attribute}`)) {
        return [];
      }
      const foreign = source.foreignKeys.find(
        ({ columns, table: parent }) =>
          columns.length === 1 &&
          columns[0] === column &&
          parent.schema === captured.schema &&
          parent.name === captured.name,
      );
      const refersTo = foreign?.keys[0] ?? (identity.length === 1 ? identity[0] : undefined);
      if (refersTo !== undefined) return [{ source, column, refersTo }];
      this.#faults.add(at, `${label}no foreign key says what ${name}.${column} refers to`);
      return [];
    });
  }
}

/** Unique columns that the key of the model has all of. A row that moves among others while it is read has an event. */
function readingKey(
  table: Table,
  source: SourceTable,
  forms: ReadonlyMap<string, CapturedColumn>,
): readonly string[] | undefined {
  const columns = table.key.flatMap((name) => {
    const form = forms.get(name)!;
    return form.kind === 'column' || form.kind === 'reference' ? [form.column] : [];
  });
  return source.uniqueKeys.find((key) => key.every((one) => columns.includes(one)));
}

interface Parent {
  readonly source: SourceTable;
  /** Column with the key of the model. */
  readonly key: string;
  /** pg_type.typname */
  readonly keyType: string;
  /** Column that the reference has a value of. */
  readonly refersTo: string;
  /** Whether the parent's row may come later in the transaction. */
  readonly isLate: boolean;
}

/** An attribute of the model that the source does not have under this name, and of which `capture:` says nothing. */
function whyFilled(name: string, { name: table, columns }: Table): string {
  const { type } = columns.find((column) => column.name === name)!;
  return `; say under capture: what fills it, or { sql: "NULL::${SQL_TYPE[type]}" } until the source has it; what only the warehouse fills belongs into silver:, not into ${table}`;
}

/** Throws what says nothing about a mapping, just as it says nothing about a record: a table that counted as unfit would lose its triggers. */
function assertSaysSo(error: unknown): asserts error is DatabaseError {
  if (!mayBeAboutRecord(error)) throw error;
}

/** All attributes that events have: columns that edp computes are none. */
function formsOf({ columns }: CapturedTable, table: Table): ReadonlyMap<string, CapturedColumn> {
  return new Map(
    table.columns
      .filter(({ origin }) => origin === undefined)
      .map(({ name }) => [name, columns[name] ?? { kind: 'column', column: name }]),
  );
}

function whyDeferrable(
  { schema, name }: SourceTable,
  { constraint, columns }: DeferrableKey,
): string {
  return `the key ${constraint} of ${schema}.${name} is DEFERRABLE, so two rows may have it until a transaction ends, and which of them stays cannot be told; make it NOT DEFERRABLE, or CREATE UNIQUE INDEX on ${columns.join(', ')}`;
}

function whyNot({ schema, name, kind, persistence, ...table }: SourceTable): string | undefined {
  const label = `${schema}.${name}`;
  if (kind === 'v' || kind === 'm') return `${label} is a view; capture the tables that it reads`;
  if (kind === 'f') return `${label} is a foreign table; capture it where its rows are`;
  if (kind !== 'r' && kind !== 'p') return `${label} is no table`;
  if (persistence === 't') return `${label} is a temporary table`;
  if (table.isPartition) return `${label} is a partition; capture its table`;
  if (table.hasChildren) {
    return `tables inherit from ${label}: it shows their rows, and a statement on them does not fire its triggers; only partitions are captured with their table`;
  }
  if (table.hasParent) {
    return `${label} inherits from another table: a statement on that one changes its rows, and does not fire its triggers; only partitions are captured, with their table`;
  }
  if (table.hiddenFrom !== null) {
    return `row level security hides rows of ${label} from ${table.hiddenFrom}, with whose rights the triggers run; install as the owner of the table (without FORCE ROW LEVEL SECURITY), or ALTER ROLE … BYPASSRLS`;
  }
  if (table.isSubscribed) {
    return `a subscription feeds ${label}, and logical replication fires no statement triggers; capture it where its rows are written`;
  }
  return undefined;
}
