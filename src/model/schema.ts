/**
 * The shape of `tables:` in edp.yaml, as zod schemas, and the way from there to a {@link Model}.
 * The published JSON Schema (docs/edp.schema.json) is generated from these same schemas.
 */
import { z } from 'zod';
import { nearest } from '../base/nearest.js';
import { type CopiedTable, copyShape, findCopyFaults, toCopied, typeOfColumn } from './copy-of.js';
import {
  correctionShape,
  findCorrectionFaults,
  originShape,
  toCorrections,
} from './corrections.js';
import { csvSectionSchema, toCsvSettings } from './csv-settings.js';
import { formatSchema } from './file-settings.js';
import { findFoldingFaults, foldingShape, toFolding } from './folding-schema.js';
import { IMPOSSIBLE_NAME } from './impossible-name.js';
import { versionColumns } from './kept-versions.js';
import type { Column, MetricsSource, Model, Reference, Table } from './model.js';
import { toNotes } from './notes.js';
import { notesShape } from './notes-schema.js';
import { findPartitionFaults, partitionsShape, toPartitions } from './partition-schema.js';
import { findClosing } from './reference-circles.js';
import { formatTableName, parseTableName, plainTableName, splitName } from './table-name.js';
import { COLUMN_TYPES, type ColumnType } from './types.js';
import { findVersionFaults, toVersions, versionsShape } from './versions-schema.js';

/** PostgreSQL cuts longer identifiers silently (NAMEDATALEN - 1), so edp refuses them. */
const MAX_IDENTIFIER_BYTES = 63;

/** A name that PostgreSQL accepts unchanged, in quotes. */
export const identifier = z
  .string()
  .min(1, 'a name cannot be empty')
  .refine((name) => Buffer.byteLength(name) <= MAX_IDENTIFIER_BYTES, {
    message: `a name is at most ${MAX_IDENTIFIER_BYTES} bytes long (PostgreSQL's limit)`,
  })
  .refine((name) => !/\p{Cc}/u.test(name), { message: 'a name has no control characters' })
  .refine((name) => name !== IMPOSSIBLE_NAME, {
    message: `"${IMPOSSIBLE_NAME}" cannot be a name in edp`,
  });

const NAME_FORMS =
  'a table is written name or schema.name; a name with a dot in it stands in double quotes: \'"a.b"\'';

/** Name of a table, which may have its schema before it. */
export const tableName = z
  .string()
  .min(1, 'a name cannot be empty')
  .superRefine((text, context) => {
    for (const message of findNameFaults(text)) context.addIssue({ code: 'custom', message });
  });

function findNameFaults(text: string): string[] {
  if (text === '') return [];
  const parts = splitName(text);
  if (parts === undefined || parts.length > 2) return [NAME_FORMS];
  const { schema = '' } = parseTableName(text);
  const isOfServer = /^pg_/.test(schema) || schema === 'information_schema';
  if (isOfServer || schema === 'edp') {
    return [`schema "${schema}" belongs to ${isOfServer ? 'the server' : 'edp itself'}`];
  }
  return parts.flatMap(
    (part) => identifier.safeParse(part).error?.issues.map(({ message }) => message) ?? [],
  );
}

/** System columns of every PostgreSQL table. */
export const SYSTEM_COLUMNS: ReadonlySet<string> = new Set([
  'cmax',
  'cmin',
  'ctid',
  'tableoid',
  'xmax',
  'xmin',
]);

export const columnName = identifier.refine((name) => !SYSTEM_COLUMNS.has(name), {
  error: ({ input }) =>
    `every table of PostgreSQL has a column "${input}" of its own; give yours another name`,
});

const columnType = z.enum(COLUMN_TYPES, {
  error: () => `the types are ${COLUMN_TYPES.join(', ')}`,
});

const stringOrList = z.union([z.string(), z.array(z.string())]);

const columnDetails = z.strictObject({
  type: columnType
    .optional()
    .describe('PostgreSQL type of the column; one that copies has the type of what it copies'),
  field: z
    .string()
    .optional()
    .describe(
      'Name of the field (in the header, or as a key of JSON), when it differs from the column’s',
    ),
  nullable: z
    .boolean({ error: 'expected true or false' })
    .optional()
    .describe('false makes the column NOT NULL (default true)'),
  ...notesShape,
  references: z
    .string()
    .optional()
    .describe(
      'Table (or table.column), with its schema or without, whose key this column refers to',
    ),
  ...originShape,
  ...copyShape,
  ...correctionShape,
});

const checkedDetails = columnDetails.superRefine((details, context) => {
  if (details.type !== undefined || details['copy-of'] !== undefined) return;
  context.addIssue({ code: 'custom', message: columnFault(details), path: ['type'] });
});

export const columnSchema = z.union([columnType, checkedDetails], {
  error: (issue) => columnFault(issue.input),
});

function columnFault(input: unknown): string {
  const type =
    typeof input === 'object' && input !== null ? (input as { type?: unknown }).type : input;
  if (typeof type === 'string' && !(COLUMN_TYPES as readonly string[]).includes(type)) {
    return `"${type}" is not a column type; the types are ${COLUMN_TYPES.join(', ')}; a column of any other type in a table that is there already is text`;
  }
  return 'a column is a type, or {type, field, nullable, references} and what is to be put right in it';
}

const metricDetails = z.strictObject({
  type: columnType,
  key: z.string().optional(),
  ...notesShape,
});

const metricSchema = z.union([columnType, metricDetails], {
  error: (issue) => columnFault(issue.input),
});

const sourceSchema = z.strictObject({
  from: z.string().describe('Name of the JSON field'),
  path: z
    .string()
    .optional()
    .describe('Dot-separated keys from the root to the object that holds the metrics'),
  columns: z
    .record(columnName, metricSchema)
    .describe('Declared metrics: column name to type, or {type, key} when the JSON key differs'),
  extra: columnName
    .optional()
    .describe('jsonb column that keeps undeclared metrics (default extra_metrics)'),
});

export const tableSchema = z.strictObject({
  ...notesShape,
  columns: z.record(columnName, columnSchema).describe('Column name to type'),
  key: stringOrList.optional().describe('Column, or columns, of the primary key'),
  indexes: z.array(stringOrList).optional().describe('Further indexes, each a column or a list'),
  metrics: z
    .union([sourceSchema, z.array(sourceSchema)], {
      error: () => 'metrics is {from, path, columns, extra}, or a list of such',
    })
    .optional()
    .describe('JSON fields to flatten into typed columns'),
  files: stringOrList.optional().describe('File-name patterns that go into this table'),
  ignore: stringOrList.optional().describe('Names of fields to pass over knowingly'),
  extra: columnName
    .optional()
    .describe('jsonb column that keeps fields which no column is declared for'),
  format: formatSchema
    .optional()
    .describe('What the records of its files are (default: by the name or the content of each)'),
  csv: csvSectionSchema.optional(),
  lineage: z
    .union([z.boolean(), columnName])
    .optional()
    .describe('Column that records which load brought a row (default load_id; false for none)'),
  ...partitionsShape,
  ...versionsShape,
  ...foldingShape(columnName),
});

export const tablesSchema = z.record(tableName, tableSchema);

/** The keys that an object in edp.yaml may have, by its path from the root; undefined for the root itself. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] | undefined {
  const [tables, , part] = path;
  if (tables !== 'tables')
    return path[0] === undefined ? undefined : Object.keys(csvSectionSchema.shape);
  switch (part) {
    case undefined:
      return Object.keys(tableSchema.shape);
    case 'columns':
      return Object.keys(columnDetails.shape);
    case 'metrics':
      return Object.keys((path.includes('columns') ? metricDetails : sourceSchema).shape);
    default:
      return Object.keys(csvSectionSchema.shape);
  }
}

export type TableInput = z.output<typeof tableSchema>;
type ColumnDetails = Exclude<TableInput['columns'][string], string>;

function asList(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

function toSources(metrics: TableInput['metrics']): MetricsSource[] {
  if (metrics === undefined) return [];
  const list = Array.isArray(metrics) ? metrics : [metrics];
  return list.map((source) => ({
    field: source.from,
    path: source.path === undefined || source.path === '' ? [] : source.path.split('.'),
    metrics: Object.entries(source.columns).map(([column, metric]) =>
      typeof metric === 'string'
        ? { column, key: column, type: metric }
        : { column, key: metric.key ?? column, type: metric.type, ...toNotes(metric) },
    ),
    extraColumn: source.extra ?? 'extra_metrics',
  }));
}

function toReference(text: string, tables: Record<string, TableInput>): Reference {
  const find = (name: string) =>
    Object.hasOwn(tables, name) ? name : spellingsOf(tables).get(plainTableName(name));
  const whole = find(text);
  if (whole !== undefined) {
    return { table: whole, column: asList(tables[whole]?.key)[0] ?? 'id' };
  }
  const parts = splitName(text) ?? [text];
  const column = parts.length === 1 ? 'id' : parts.pop()!;
  const [first, second] = parts as [string, string?];
  const name = formatTableName(
    second === undefined ? { name: first } : { schema: first, name: second },
  );
  return { table: find(name) ?? name, column };
}

/** Asked for once for each reference, of the same tables. */
const spellings = new WeakMap<object, ReadonlyMap<string, string>>();

/** A table's name in its one spelling → as the model writes it first. */
function spellingsOf(tables: Record<string, TableInput>): ReadonlyMap<string, string> {
  const known = spellings.get(tables);
  if (known !== undefined) return known;
  const names = Object.keys(tables).toReversed();
  const made = new Map(names.map((name) => [plainTableName(name), name]));
  spellings.set(tables, made);
  return made;
}

function toOrigin(
  { constant, computed, 'copy-of': copied, by }: ColumnDetails,
  tables: Record<string, TableInput>,
): Pick<Column, 'origin'> {
  const place = copied === undefined ? undefined : toCopied(copied, Object.keys(tables));
  if (place !== undefined && by !== undefined) {
    const [key = 'id'] = asList(tables[place.table]?.key);
    return { origin: { kind: 'copy', by, key, ...place } };
  }
  if (constant !== undefined) return { origin: { kind: 'constant', text: constant } };
  return computed === undefined ? {} : { origin: { kind: 'computed', expression: computed } };
}

function copiedTypeOf(
  tables: Record<string, TableInput>,
  table: string,
  column: string,
): string | undefined {
  return typeOfColumn(toCopiedTables(tables), table, column);
}

/** Asked for once for each reference and copy, of the same tables. */
const copiedTables = new WeakMap<object, Readonly<Record<string, CopiedTable>>>();

function toCopiedTables(tables: Record<string, TableInput>): Readonly<Record<string, CopiedTable>> {
  const known = copiedTables.get(tables);
  if (known !== undefined) return known;
  const made = Object.fromEntries(
    Object.entries(tables).map(([name, { key, columns, versions }]) => [
      name,
      { key: asList(key), columns, keepsVersions: versions === true },
    ]),
  );
  copiedTables.set(tables, made);
  return made;
}

/** Where a fault leaves a column without a type, any will do: the fault is reported. */
function toType(type: string | undefined): ColumnType {
  return COLUMN_TYPES.find((one) => one === type) ?? 'text';
}

function toTable(name: string, input: TableInput, tables: Record<string, TableInput>): Table {
  const key = asList(input.key);
  const columns: Column[] = Object.entries(input.columns).map(([column, declared]) => {
    const details: ColumnDetails = typeof declared === 'string' ? { type: declared } : declared;
    const corrections = toCorrections(details);
    return {
      name: column,
      type: details.type ?? toType(copiedTypeOf(tables, name, column)),
      field: details.field ?? column,
      ...toOrigin(details, tables),
      isNullable: !key.includes(column) && (details.nullable ?? true),
      ...toNotes(details),
      ...(details.references === undefined
        ? {}
        : { references: toReference(details.references, tables) }),
      ...(corrections === undefined ? {} : { corrections }),
    };
  });
  const lineage = input.lineage ?? true;
  const partitions = toPartitions(input);
  return {
    name,
    ...toNotes(input),
    columns,
    key,
    indexes: (input.indexes ?? []).map(asList),
    sources: toSources(input.metrics),
    ...(lineage === false ? {} : { lineageColumn: lineage === true ? 'load_id' : lineage }),
    files: asList(input.files),
    ignoredFields: asList(input.ignore),
    ...(input.extra === undefined ? {} : { extraColumn: input.extra }),
    ...(input.format === undefined ? {} : { format: input.format }),
    ...(input.csv === undefined ? {} : { csv: toCsvSettings(input.csv) }),
    ...(partitions === undefined ? {} : { partitions }),
    ...(input['key-guard'] === true ? { hasKeyGuard: true as const } : {}),
    ...toVersions(input),
    ...toFolding(input),
  };
}

/** A fault that the schema alone cannot detect, with its path inside `tables`. */
export interface ModelFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * Checks the relations between the parts of a model: names exist, and no name is used twice.
 *
 * @param isUnsure whether the type of a column is not known, or the key of a table (without a column), or whether
 *   there is such a table; nothing is said of what depends on it
 */
export function findModelFaults(
  tables: Record<string, TableInput>,
  isUnsure: (table: string, column?: string) => boolean = () => false,
): ModelFault[] {
  const faults: ModelFault[] = [];
  const targets = listTargets(tables);
  // To look for the way back from each reference would take long where there are many.
  const hasCircles = findClosing(targets).size > 0;
  for (const [name, input] of Object.entries(tables)) {
    const first = spellingsOf(tables).get(plainTableName(name));
    if (first !== name) {
      faults.push({ path: [name], message: `${first} and ${name} are the same table` });
    }
    faults.push(...correctionFaults(name, input, isUnsure));
    faults.push(...copyFaults(name, input, tables, isUnsure));
    const table = toTable(name, input, tables);
    const own = new Set(Object.keys(input.columns));
    if (own.size === 0 && table.sources.length === 0) {
      faults.push({ path: [name, 'columns'], message: 'a table has at least one column' });
    }
    for (const column of table.key) {
      if (!own.has(column)) {
        faults.push({
          path: [name, 'key'],
          message: `key column "${column}" is not declared${meant(column, own)}`,
        });
      }
    }
    const all = [
      ...own,
      ...table.sources.flatMap((s) => [...s.metrics.map((m) => m.column), s.extraColumn]),
      ...(table.extraColumn === undefined ? [] : [table.extraColumn]),
      ...(table.lineageColumn === undefined ? [] : [table.lineageColumn]),
      ...versionColumns(table),
    ];
    const types = new Map(table.columns.map((column) => [column.name, column.type]));
    for (const { path, message } of [
      ...findVersionFaults(input),
      ...findFoldingFaults(input, table.key, types),
    ]) {
      faults.push({ path: [name, ...path], message });
    }
    table.indexes.forEach((columns, i) => {
      for (const column of columns) {
        if (!all.includes(column)) {
          faults.push({
            path: [name, 'indexes', i],
            message: `"${column}" is not a column${meant(column, all)}`,
          });
        }
      }
    });
    const typeOf = (column: string) => {
      const declared = Object.hasOwn(input.columns, column) ? input.columns[column] : undefined;
      if (declared === undefined) return undefined;
      if (isUnsure(name, column)) return null;
      return copiedTypeOf(tables, name, column);
    };
    for (const { path, message } of findPartitionFaults(input, table.key, typeOf)) {
      faults.push({ path: [name, ...path], message });
    }
    for (const twice of new Set(all.filter((column, i) => all.indexOf(column) !== i))) {
      faults.push({ path: [name], message: `two columns are called "${twice}"` });
    }
    for (const { name: column, type, references } of table.columns) {
      if (references === undefined || isUnsure(references.table)) continue;
      const target = tables[references.table];
      const path = [name, 'columns', column, 'references'];
      const referredType = copiedTypeOf(tables, references.table, references.column);
      if (target === undefined) {
        faults.push({
          path,
          message: `there is no table "${references.table}" to refer to${meant(references.table, Object.keys(tables))}`,
        });
      } else if (asList(target.key).join() !== references.column) {
        faults.push({
          path,
          message: `a reference needs the key of "${references.table}", a single column`,
        });
      } else if (target.versions === true) {
        faults.push({
          path,
          message: `"${references.table}" keeps versions, so that a key may have several rows, and PostgreSQL lets nothing refer to that: leave \`references\` out`,
        });
      } else if (target['key-guard'] === true) {
        faults.push({
          path,
          message: `the key of "${references.table}" is unique by its key-guard only, and PostgreSQL lets nothing refer to that: leave \`references\` out`,
        });
      } else if (isUnsure(name, column) || isUnsure(references.table, references.column)) {
        // Its own fault is reported.
      } else if (referredType !== type && !(isInteger(type) && isInteger(referredType))) {
        faults.push({
          path,
          message: `"${column}" is ${type}, "${references.table}.${references.column}" is ${referredType}`,
        });
      } else if (
        hasCircles &&
        references.table !== name &&
        leadsTo(references.table, name, targets)
      ) {
        faults.push({ path, message: `"${name}" and "${references.table}" refer to each other` });
      }
    }
  }
  return faults;
}

function meant(name: string, names: Iterable<string>): string {
  const found = nearest(name, names);
  return found === undefined ? '' : `; did you mean "${found}"?`;
}

function copyFaults(
  table: string,
  { columns }: TableInput,
  tables: Record<string, TableInput>,
  isUnsure: (table: string, column: string) => boolean,
): ModelFault[] {
  return Object.entries(columns).flatMap(([column, declared]) =>
    typeof declared === 'string' || isUnsure(table, column)
      ? []
      : findCopyFaults(toCopiedTables(tables), table, column, declared).map(
          ({ name, message }) => ({ path: [table, 'columns', column, name], message }),
        ),
  );
}

function correctionFaults(
  table: string,
  { columns }: TableInput,
  isUnsure: (table: string, column: string) => boolean,
): ModelFault[] {
  return Object.entries(columns).flatMap(([column, declared]) =>
    typeof declared === 'string' || isUnsure(table, column)
      ? []
      : findCorrectionFaults(declared.type ?? 'text', declared).map(({ name, message }) => ({
          path: [table, 'columns', column, name],
          message,
        })),
  );
}

function isInteger(type: string | undefined): boolean {
  return type === 'smallint' || type === 'int' || type === 'bigint';
}

/** The tables that each table refers to. */
function listTargets(tables: Record<string, TableInput>): ReadonlyMap<string, readonly string[]> {
  return new Map(
    Object.entries(tables).map(([name, { columns }]) => [
      name,
      Object.values(columns).flatMap((column) =>
        typeof column === 'string' || column.references === undefined
          ? []
          : [toReference(column.references, tables).table],
      ),
    ]),
  );
}

/** Whether a table refers to another, directly or through other tables. */
function leadsTo(
  from: string,
  to: string,
  targets: ReadonlyMap<string, readonly string[]>,
): boolean {
  const seen = new Set([from]);
  for (const name of seen) {
    for (const target of targets.get(name) ?? []) {
      if (target === to) return true;
      seen.add(target);
    }
  }
  return false;
}

/**
 * @param tables the value of `tables:` in edp.yaml, already valid by {@link tablesSchema}
 *   and without {@link findModelFaults}
 */
export function toModel(tables: Record<string, TableInput>): Model {
  return {
    tables: Object.entries(tables).map(([name, input]) => toTable(name, input, tables)),
  };
}

/** For models written in code: throws on the first fault, which would be a bug. */
export function parseModel(tables: z.input<typeof tablesSchema>): Model {
  const parsed = tablesSchema.parse(tables);
  const [fault] = findModelFaults(parsed);
  if (fault !== undefined) throw new TypeError(`${fault.path.join('.')}: ${fault.message}`);
  return toModel(parsed);
}
