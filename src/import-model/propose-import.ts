/** Tables of a source → what edp.yaml declares of them under `tables:` and `capture:`. */

import { takeName, toColumnName } from '../infer/inferred-names.js';
import { DEFAULT_SOFT_DELETE } from '../model/event-columns.js';
import { isJson, WHY_NO_JSON_KEY } from '../model/json-key.js';
import type { Table } from '../model/model.js';
import { parseNotes } from '../model/notes.js';
import { findClosing, type References } from '../model/reference-circles.js';
import {
  columnName,
  findModelFaults,
  type TableInput,
  tablesSchema,
  toModel,
} from '../model/schema.js';
import { formatTableName } from '../model/table-name.js';
import type { TableDeclaration, TableEntry } from '../project/write-model.js';
import type { NamedTable } from './choose-tables.js';
import { type ColumnForm, columnSql, formOf } from './column-form.js';
import type { SourceColumn, SourceKey, SourceReference } from './read-source-tables.js';
import { type ReferredTable, whyNoReference } from './source-reference.js';

type ColumnDeclaration = Exclude<TableDeclaration['columns'][string], string>;

/** What `capture.tables` has of a table. */
interface CaptureDeclaration {
  readonly from?: string;
  readonly columns?: Readonly<Record<string, string | { readonly sql: string }>>;
  readonly where?: string;
}

export interface ImportedTable extends TableEntry {
  readonly source: { readonly schema: string; readonly name: string };
  readonly isPrimaryKey: boolean;
  readonly capture: CaptureDeclaration;
  /** What the source has and the model has not. */
  readonly remarks: readonly string[];
}

interface LeftOut {
  readonly schema: string;
  readonly name: string;
  readonly why: string;
}

/** A table of the source that is left as edp.yaml has it. */
export interface DeclaredTable {
  readonly schema: string;
  readonly name: string;
  /** In the model: several, where it feeds several. */
  readonly modelNames: readonly string[];
  /** Whether `capture:` takes it, whatever the model calls it. */
  readonly isCaptured: boolean;
}

export interface Import {
  readonly tables: readonly ImportedTable[];
  readonly leftOut: readonly LeftOut[];
  /** Those that edp.yaml declares already. */
  readonly declared: readonly DeclaredTable[];
}

/** Columns that edp adds to realized tables. */
const RESERVED = ['change_sequence'];
const LINEAGE = 'load_id';

/**
 * @param chosen what to import
 * @param all tables of the source
 * @param declared tables of edp.yaml, to which references may lead
 */
export function proposeImport(
  chosen: readonly NamedTable[],
  all: readonly NamedTable[],
  declared: Readonly<Record<string, TableInput>>,
): Import {
  const known = toModel(declared).tables;
  const declaredNames = new Set(known.map(({ name }) => name));
  const isOpen = ({ modelName, capturedAs }: NamedTable) =>
    capturedAs.length === 0 && !declaredNames.has(modelName);
  const open = chosen.filter(isOpen);
  const keyed = open.filter((table) => whyLeftOut(table) === undefined);
  const drafts = keyed.map(draft);
  const targets = targetsOf(drafts, known, all);
  const closing = findClosing(listReferences(drafts, targets));
  const tables = drafts.map((one) => finish(one, targets, closing));
  return {
    tables: readAgain(tables, declared),
    leftOut: open.flatMap((table) => {
      const why = whyLeftOut(table);
      return why === undefined ? [] : [{ schema: table.schema, name: table.name, why }];
    }),
    declared: chosen
      .filter((table) => !isOpen(table))
      .map(({ schema, name, modelName, capturedAs }) => ({
        schema,
        name,
        modelNames: capturedAs.length === 0 ? [modelName] : capturedAs,
        isCaptured: capturedAs.length > 0,
      })),
  };
}

function whyLeftOut(table: NamedTable): string | undefined {
  if (table.isInherited) {
    return 'it inherits from another table, or others from it, and triggers do not see all changes of its rows';
  }
  if (table.keys.length === 0) {
    return 'it has no primary key, and no unique index of columns that are NOT NULL';
  }
  return keyFor(table) === undefined ? `its key is JSON, ${WHY_NO_JSON_KEY}` : undefined;
}

/** The best key that events can have. */
function keyFor({ keys, columns }: NamedTable): SourceKey | undefined {
  const json = new Set(columns.filter((one) => isJson(formOf(one).type)).map(({ name }) => name));
  return keys.find((key) => !key.columns.some((name) => json.has(name)));
}

/** As edp.yaml will declare them. */
function readAgain(
  tables: readonly Omit<ImportedTable, 'table'>[],
  declared: Readonly<Record<string, TableInput>>,
): ImportedTable[] {
  const inputs = Object.fromEntries(tables.map(({ name, input }) => [name, input]));
  const together = { ...declared, ...tablesSchema.parse(inputs) };
  const [fault] = findModelFaults(together);
  if (fault !== undefined) throw new TypeError(`${fault.path.join('.')}: ${fault.message}`);
  const read = new Map(toModel(together).tables.map((table) => [table.name, table]));
  return tables.map((table) => ({ ...table, table: read.get(table.name)! }));
}

interface DraftColumn extends ColumnForm {
  /** In the model. */
  readonly name: string;
  readonly source: SourceColumn;
}

interface Draft {
  readonly table: NamedTable;
  readonly columns: readonly DraftColumn[];
  readonly key: SourceKey;
}

function draft(table: NamedTable): Draft {
  const taken = new Set([...RESERVED, ...table.columns.map(({ name }) => name)]);
  const columns = table.columns.map((source) => ({
    ...formOf(source),
    name: nameColumn(source.name, taken),
    source,
  }));
  return { table, columns, key: keyFor(table)! };
}

/** Its own name, where a column of the model can have it. */
function nameColumn(name: string, taken: Set<string>): string {
  if (columnName.safeParse(name).success && !RESERVED.includes(name)) return name;
  return takeName(toColumnName(name, 'column'), taken);
}

function keyOf({ columns, key }: Draft): string[] {
  return key.columns.map((name) => columns.find(({ source }) => source.name === name)!.name);
}

interface Target {
  readonly table: NamedTable;
  /** In the model; undefined for a table that is not imported, or cannot be referred to. */
  readonly referred: ReferredTable | undefined;
}

/** By oid, the tables of the source. */
type Targets = ReadonlyMap<number, Target>;

function targetsOf(
  drafts: readonly Draft[],
  declared: readonly Table[],
  all: readonly NamedTable[],
): Targets {
  const referred = new Map<string, ReferredTable>();
  for (const { name, key, columns, hasVersions, hasKeyGuard } of declared) {
    const keyType = columns.find((column) => column.name === key[0])?.type;
    if (hasVersions !== true && hasKeyGuard !== true) referred.set(name, { name, key, keyType });
  }
  for (const one of drafts) {
    const { modelName: name } = one.table;
    const key = keyOf(one);
    const keyType = one.columns.find((column) => column.name === key[0])?.type;
    referred.set(name, { name, key, keyType });
  }
  return new Map(
    all.map((table) => [table.oid, { table, referred: referred.get(table.modelName) }]),
  );
}

/** Those that the model can have, if they make no circle. Declared tables refer to no imported one. */
function listReferences(drafts: readonly Draft[], targets: Targets): References {
  return new Map(
    drafts.map((one) => [
      one.table.modelName,
      new Set(
        judgeReferences(one, targets).flatMap(({ why, target }) =>
          why === undefined ? [target!.table.modelName] : [],
        ),
      ),
    ]),
  );
}

interface JudgedReference {
  readonly reference: SourceReference;
  readonly column: DraftColumn;
  readonly target: Target | undefined;
  /** Why the model cannot have it, whatever other references there are. */
  readonly why: string | undefined;
}

/** Of the references of a single column. */
function judgeReferences({ table, columns }: Draft, targets: Targets): JudgedReference[] {
  const bySource = new Map(columns.map((column) => [column.source.name, column]));
  return table.references
    .filter((reference) => reference.columns.length === 1)
    .map((reference) => {
      const column = bySource.get(reference.columns[0]!)!;
      const target = targets.get(reference.target);
      const why = whyNoReference(column.type, target?.referred, reference.targetColumns[0]!);
      return { reference, column, target, why };
    });
}

function finish(
  one: Draft,
  targets: Targets,
  closing: ReturnType<typeof findClosing>,
): Omit<ImportedTable, 'table'> {
  const { table, columns } = one;
  const key = keyOf(one);
  const { references, remarks, ofColumns } = findReferences(one, targets, closing);
  const comments = new Map<string, string>();
  const declarations = columns.map((column): [string, TableDeclaration['columns'][string]] => {
    const { name, type, source, remark } = column;
    const said = [remark, ...(ofColumns.get(name) ?? [])].filter((text) => text !== undefined);
    if (said.length > 0) comments.set(name, said.join('; '));
    const details: ColumnDeclaration = {
      type,
      ...(source.isNullable || key.includes(name) ? {} : { nullable: false }),
      ...(references.has(name) ? { references: references.get(name)! } : {}),
      ...notesOf(source.comment),
    };
    return [name, Object.keys(details).length === 1 ? type : details];
  });
  const input: TableDeclaration = {
    ...notesOf(table.comment),
    key: key.length === 1 ? key[0]! : key,
    ...foldingOf(one),
    ...(columns.some(({ name }) => name === LINEAGE) ? { lineage: false } : {}),
    columns: Object.fromEntries(declarations),
  };
  return {
    name: table.modelName,
    input,
    comments,
    source: { schema: table.schema, name: table.name },
    isPrimaryKey: one.key.isPrimary,
    capture: captureOf(one),
    remarks,
  };
}

function notesOf(comment: string | undefined) {
  if (comment === undefined) return {};
  const { tags, ...notes } = parseNotes(comment);
  return { ...notes, ...(tags === undefined ? {} : { tags: [...tags] }) };
}

/** The source's own mark of rows that it keeps is another matter than a row that is gone from it. */
function foldingOf({ table: { realized }, columns }: Draft): object {
  if (realized !== undefined) {
    return {
      ...(realized.hasSoftDelete ? {} : { 'soft-delete': false }),
      ...(realized.hasHistory ? { history: true } : {}),
    };
  }
  const hasOwn = columns.some(({ name }) => name === DEFAULT_SOFT_DELETE);
  return hasOwn ? { 'soft-delete': `row_${DEFAULT_SOFT_DELETE}` } : {};
}

function findReferences(one: Draft, targets: Targets, closing: ReturnType<typeof findClosing>) {
  const { table } = one;
  const references = new Map<string, string>();
  const ofColumns = new Map<string, string[]>();
  for (const { reference, column, target, why: never } of judgeReferences(one, targets)) {
    const why = references.has(column.name)
      ? 'which is a second reference'
      : (never ?? whyClosing(table.modelName, target!.table.modelName, closing));
    if (why === undefined) {
      references.set(column.name, target!.table.modelName);
      continue;
    }
    const said = ofColumns.get(column.name) ?? [];
    ofColumns.set(column.name, [
      ...said,
      `refers to ${describe(reference, target?.table)}, ${why}`,
    ]);
  }
  const remarks = table.references
    .filter(({ columns }) => columns.length > 1)
    .map((reference) => {
      const target = targets.get(reference.target)?.table;
      return `(${reference.columns.join(', ')}) refers to ${describe(reference, target)}`;
    });
  return { references, ofColumns, remarks };
}

function whyClosing(
  from: string,
  to: string,
  closing: ReturnType<typeof findClosing>,
): string | undefined {
  return closing.get(from)?.has(to) === true ? 'which refers to this table, too' : undefined;
}

function describe({ targetColumns }: SourceReference, target: NamedTable | undefined): string {
  const name = target === undefined ? 'another table' : `${target.schema}.${target.name}`;
  return `${name} (${targetColumns.join(', ')})`;
}

function captureOf({ table, columns }: Draft): CaptureDeclaration {
  const { schema, name, isInPath, modelName, realized } = table;
  const from = formatTableName(isInPath ? { name } : { schema, name });
  const others = columns.flatMap(({ name: attribute, sql, source }) => {
    if (sql !== undefined) return [[attribute, { sql }] as const];
    if (attribute === source.name) return [];
    // A name that edp.yaml cannot have.
    const isName = columnName.safeParse(source.name).success;
    return [[attribute, isName ? source.name : { sql: columnSql(source.name) }] as const];
  });
  return {
    ...(from === modelName ? {} : { from }),
    ...(others.length === 0 ? {} : { columns: Object.fromEntries(others) }),
    // A row that has this is kept there, and is gone all the same.
    ...(realized?.hasSoftDelete === true ? { where: `${DEFAULT_SOFT_DELETE} IS NULL` } : {}),
  };
}
