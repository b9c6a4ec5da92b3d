/** `edp model import`: writes what edp.yaml declares of the tables of a source database. */
import path from 'node:path';
import { EdpError, EXIT } from '../base/errors.js';
import { listNames } from '../base/nearest.js';
import { chooseTables, nameTables } from '../import-model/choose-tables.js';
import { findCaptured } from '../import-model/find-captured.js';
import { withoutAdded } from '../import-model/find-realized.js';
import { type Import, type ImportedTable, proposeImport } from '../import-model/propose-import.js';
import { readSourceTables, type SourceTable } from '../import-model/read-source-tables.js';
import { addImport, formatImport, URL_VARIABLE } from '../import-model/write-import.js';
import { BUILTIN_TABLES } from '../model/builtin.js';
import type { Capture } from '../model/capture.js';
import { type TableInput, tablesSchema } from '../model/schema.js';
import { withCancel } from '../postgres/cancel.js';
import { withClient } from '../postgres/connection.js';
import { readUrl } from '../postgres/which-server.js';
import { editProjectFile } from '../project/editable.js';
import { PROJECT_FILE, readProjectText } from '../project/file.js';
import { withIncluded } from '../project/include.js';
import { parseProject } from '../project/parse.js';
import { formatNumber, safeText } from '../terminal/output.js';
import type { Invocation } from './command.js';
import type { ModelImportJson } from './json/model.schema.js';
import { secondsJson } from './shared/seconds-json.js';

interface Options {
  readonly out: string | undefined;
  readonly schema: readonly string[];
}

export async function importModel(
  { given, project, output, signal }: Invocation,
  patterns: readonly string[],
  { out, schema }: Options,
): Promise<number> {
  const started = performance.now();
  const url = (given['database-url'] as string | undefined) ?? project.capture?.sourceUrl();
  if (url === undefined) {
    throw new EdpError('usage', 'specify the source database: --database-url', {
      hint: 'it is the database that is to be captured, not the one that edp loads into',
    });
  }
  const config = readUrl(url, '--database-url', process.env);
  const source = await withClient(config, 'import', (client) =>
    withCancel(config, [client], signal, async () => ({
      tables: withoutAdded(await readSourceTables(client)),
      name: await readName(client),
    })),
  );
  const file = path.resolve(project.directory, out ?? PROJECT_FILE);
  const imported = propose(source.tables, schema, patterns, await readDeclared(file));
  const yaml = formatImport(imported, source.name);
  if (out === undefined) {
    if (!output.isJson) await output.write(yaml);
  } else {
    let place: string | undefined;
    await editProjectFile(file, undefined, ({ text, others }) => {
      const edited = addImport(text, imported, path.basename(file), others, source.name, url);
      place = edited.addsCapture ? `${out}:${lineOfUrl(edited.text)}` : undefined;
      return edited.text;
    });
    const columns = imported.tables.reduce((sum, { table }) => sum + table.columns.length, 0);
    output.line(
      `${out}: ${formatNumber(imported.tables.length, 'table')}, ${formatNumber(columns, 'column')}`,
    );
    if (place !== undefined) {
      output.note(
        `${place}: the address of the source is read from ${URL_VARIABLE}, which edp capture needs to be set`,
      );
    }
  }
  warn(output, imported);
  output.result(toJson(imported, source.name, yaml, out, (performance.now() - started) / 1000));
  return EXIT.done;
}

function lineOfUrl(text: string): number {
  return text.slice(0, text.lastIndexOf(`\${${URL_VARIABLE}}`)).split('\n').length;
}

async function readName(client: import('pg').Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
  return rows[0]!.name.replaceAll(/[^\w.-]+/g, '_');
}

interface Declared {
  /** To which references may lead. */
  readonly tables: Record<string, TableInput>;
  readonly capture: Capture | undefined;
}

async function readDeclared(file: string): Promise<Declared> {
  const text = await readProjectText(file);
  if (text === undefined) return { tables: {}, capture: undefined };
  const { tables, capture } = parseProject(await withIncluded(file, text));
  return { tables: tables ?? tablesSchema.parse(BUILTIN_TABLES), capture };
}

function propose(
  tables: readonly SourceTable[],
  schemas: readonly string[],
  patterns: readonly string[],
  declared: Declared,
): Import {
  const named = nameTables(tables, schemas, findCaptured(tables, declared.capture));
  const imported = proposeImport(chooseTables(named, schemas, patterns), named, declared.tables);
  const { leftOut, declared: known } = imported;
  if (imported.tables.length + leftOut.length + known.length > 0) return imported;
  throw new EdpError('unknown_table', 'the source has no tables', {
    hint: 'check --database-url, and that its role may see the tables',
  });
}

function warn(output: Invocation['output'], { leftOut, declared, tables }: Import): void {
  for (const { schema, name, why } of leftOut) {
    output.warn(`${safeText(`${schema}.${name}`)} is left out: ${why}`);
  }
  for (const { schema, name, modelNames, isCaptured } of declared) {
    const names = listNames(modelNames);
    output.warn(
      safeText(
        isCaptured
          ? `${schema}.${name} is captured already, as ${names}, and is left as it is`
          : `${names} is declared already, and is left as it is`,
      ),
    );
  }
  for (const { name, remarks } of tables) {
    for (const remark of remarks) output.note(safeText(`${name}: ${remark}`));
  }
}

function toJson(
  { tables, leftOut, declared }: Import,
  source: string,
  yaml: string,
  out: string | undefined,
  seconds: number,
): ModelImportJson {
  return {
    command: 'model',
    ok: true,
    action: 'import',
    seconds: secondsJson(seconds),
    source,
    tables: tables.map(toTableJson),
    leftOut: leftOut.map((table) => ({ ...table })),
    declared: declared.flatMap(({ modelNames }) => modelNames),
    yaml,
    out: out ?? null,
  };
}

function toTableJson(imported: ImportedTable): ModelImportJson['tables'][number] {
  const { name, source, table, input, isPrimaryKey, comments, remarks, capture } = imported;
  return {
    name,
    source,
    key: [...table.key],
    keyFrom: isPrimaryKey ? 'primary key' : 'unique index',
    columns: table.columns.length,
    references: table.columns.flatMap(({ name: column, references }) =>
      references === undefined ? [] : [{ column, table: references.table }],
    ),
    remarks: [...remarks, ...[...comments].map(([column, text]) => `${column}: ${text}`)],
    declaration: input,
    capture,
  };
}
