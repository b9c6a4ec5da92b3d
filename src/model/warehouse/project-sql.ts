/** Files of SQL of the project: where each is, and what it reads. */

import { GOLD_TIMES } from './known-columns.js';
import { meant, type Path, type Resolving } from './resolving.js';
import type { WarehouseInput } from './sections.js';
import { isSqlFault, type QueryReading } from './sql-reader.js';
import type { Source } from './task.js';
import { type Catalog, LAYER_NAMES } from './warehouse-catalog.js';

export const SQL_FOLDERS = ['models', 'views', 'checks'] as const;

export type SqlFolder = (typeof SQL_FOLDERS)[number];

/** Path of the file, relative to the project. */
export function sqlFile(folder: SqlFolder, name: string): string {
  return `sql/${folder}/${name}.sql`;
}

/** All files that the sections name. */
export function listSqlFiles({ models = {}, views = {}, checks = {} }: WarehouseInput): string[] {
  const ofChecks = Object.values(checks).flatMap((list) =>
    list.flatMap(({ sql }) => (sql === undefined ? [] : [sql])),
  );
  return [
    ...Object.keys(models).map((name) => sqlFile('models', name)),
    ...Object.keys(views).map((name) => sqlFile('views', name)),
    ...new Set(ofChecks.map((name) => sqlFile('checks', name))),
  ];
}

/** Whether anything declared has SQL of the user. */
export function hasSql(input: WarehouseInput): boolean {
  const { silver = {}, checks = {} } = input;
  return (
    listSqlFiles(input).length > 0 ||
    Object.values(silver).some(
      ({ where, columns }) =>
        where !== undefined ||
        Object.values(columns).some((one) => typeof one === 'object' && one.sql !== undefined),
    ) ||
    Object.values(checks).some((list) => list.some(({ where }) => where !== undefined))
  );
}

export interface FileReading extends Pick<QueryReading, 'columns' | 'asksMoment'> {
  readonly file: string;
  readonly sql: string;
  readonly sources: readonly Source[];
}

/** @param path of its declaration. @returns undefined, and a fault, where it cannot be used */
export function readSqlFile(
  resolving: Resolving,
  folder: SqlFolder,
  name: string,
  path: Path,
): FileReading | undefined {
  const file = sqlFile(folder, name);
  const sql = resolving.texts.get(file);
  if (sql === undefined) {
    resolving.add({ path, message: `there is no file ${file}` });
    return undefined;
  }
  const reading = resolving.sql?.readQuery(sql);
  if (reading === undefined) return undefined;
  if (isSqlFault(reading)) {
    resolving.add({ file, ...reading });
    return undefined;
  }
  const sources = reading.relations.flatMap((relation) => {
    const found = findRelation(resolving.catalog, relation);
    if (typeof found !== 'string') return [found];
    resolving.add({ file, line: relation.line, message: found });
    return [];
  });
  const { columns, asksMoment } = reading;
  return { file, sql, sources: unique(sources), columns, asksMoment };
}

/** SQL names schemas, not layers. */
function findRelation(
  catalog: Catalog,
  { schema: written, name }: { readonly schema?: string; readonly name: string },
): Source | string {
  const { bronze } = catalog.layers;
  const schema = written ?? (name.startsWith('pg_') ? 'pg_catalog' : bronze);
  const layer = LAYER_NAMES.find((one) => one === written);
  const isRenamed = layer !== undefined && catalog.layers[layer] !== layer;
  const found = catalog.findAt({ schema, name });
  if (typeof found === 'string') return found;
  if (isRenamed && found.task === undefined && catalog.isOfLayer(layer, name)) {
    const actual = catalog.layers[layer];
    return `the schema of layer ${layer} is ${actual}; write ${actual}.${name}`;
  }
  return written === undefined ? (catalog.mistakenFor(found) ?? found) : found;
}

/** Adds a fault for each name that is no column of the tasks that the file reads; of other tables it is not known. */
export function checkNames(resolving: Resolving, file: string, sql: string): void {
  const reading = resolving.sql?.readQuery(sql);
  if (reading === undefined || isSqlFault(reading)) return;
  const columnsOf = (table: { readonly schema?: string; readonly name: string }) => {
    const found = findRelation(resolving.catalog, table);
    if (typeof found === 'string' || found.task === undefined) return undefined;
    const known = resolving.columns.of(found);
    return known && [...known.keys(), ...GOLD_TIMES];
  };
  for (const { column, line, known } of reading.unknown(columnsOf)) {
    const message = `"${column}" is no column of what is read there${meant(column, new Set(known))}`;
    resolving.add({ file, line, message });
  }
}

function unique(sources: readonly Source[]): Source[] {
  const key = ({ relation: { schema, name } }: Source) => JSON.stringify([schema, name]);
  return [...new Map(sources.map((source) => [key(source), source])).values()];
}
