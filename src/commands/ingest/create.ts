/** `edp ingest --create`: tables for files that have none, before the files are loaded. */
import path from 'node:path';
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { describeFile } from '../../formats/describe-file.js';
import { withInferencePool } from '../../infer/infer-pool.js';
import { stemOf } from '../../infer/inferred-names.js';
import type { Proposal } from '../../infer/propose.js';
import { proposeTables } from '../../infer/propose-tables.js';
import { planFor } from '../../load/prepare-files.js';
import { BUILTIN_MODEL } from '../../model/builtin.js';
import { quoteTable } from '../../model/ddl.js';
import type { FileSettings } from '../../model/file-settings.js';
import { hasTable, matchTable } from '../../model/match.js';
import { findTable, type Model, type Table } from '../../model/model.js';
import { bareName, isSameTable } from '../../model/table-name.js';
import { resolveFileSettings } from '../../options/resolve-options.js';
import { withClient } from '../../postgres/connection.js';
import { type Database, withDatabase } from '../../postgres/database.js';
import { withNamedLock } from '../../postgres/named-lock.js';
import { assertTableWidth } from '../../postgres/tables.js';
import { PROJECT_FILE } from '../../project/file.js';
import { loadProject, type Project } from '../../project/project.js';
import { writeModel } from '../../project/write-model.js';
import { type InputFile, totalBytes } from '../../source/discover.js';
import { versionOf } from '../../source/sources.js';
import type { Invocation } from '../command.js';
import type { CreatedJson } from '../json/load.schema.js';
import { describe, explainKey, toJson, warnOfEmpty, warnOfOddities } from '../model.command.js';
import { makeReadProgress } from '../shared/read-progress.js';
import { assertDeclaredKey } from './declared-key.js';

export interface CreateOptions {
  readonly table: string | undefined;
  readonly key: readonly string[] | undefined;
  readonly processCount: number;
  readonly dryRun: boolean;
}

/**
 * Infers tables for files without one, declares them in edp.yaml (not in a dry run), and continues
 * with the extended project.
 *
 * @param work loads the files that are not empty; `more` is for its JSON
 */
export async function withCreated(
  invocation: Invocation,
  where: { readonly databaseUrl: string | undefined; readonly directory: string },
  files: readonly InputFile[],
  { table, key, processCount, dryRun }: CreateOptions,
  work: (
    created: Invocation,
    database: Database,
    more: CreatedJson,
    files: readonly InputFile[],
  ) => Promise<number>,
): Promise<number> {
  const { given, project, output, signal } = invocation;
  const settingsFor = resolveFileSettings(given, project);
  const unknown: InputFile[] = [];
  for (const file of files) {
    if (!(await isKnown(project, file, table, settingsFor))) unknown.push(file);
  }
  const known = files.filter((file) => !unknown.includes(file));
  assertDeclaredKey(key, project.model, known, table);
  const bytes = await totalBytes(unknown);
  const progress = await makeReadProgress(output, bytes);
  const empty = new Set<InputFile>();
  const options = {
    table,
    passOverEmpty: (file: InputFile) => {
      empty.add(file);
      warnOfEmpty(output, file);
    },
    hasOthers: unknown.length < files.length,
    key,
    taken: new Set(project.model.tables.map(({ name }) => name)),
    settings: settingsFor(),
    specified: resolveFileSettings(given, { options: {}, csv: {} })(),
  };
  const proposals = await withInferencePool(processCount, bytes, (pool) =>
    proposeTables(unknown, options, pool, progress, signal),
  ).finally(() => progress.stop());
  warnOfOddities(output, proposals);
  assertUndeclared(proposals, project.model);
  for (const proposal of proposals) assertTableWidth(proposal.table);
  return withDatabase(where, async (database) => {
    const { model, own } =
      proposals.length === 0
        ? { model: project.model, own: proposals }
        : await declareTables(database, project, proposals, { table, dryRun, signal });
    for (const proposal of proposals) {
      const isOwn = own.includes(proposal);
      const done = !isOwn
        ? 'was just declared by another command'
        : dryRun
          ? 'would be declared'
          : 'declared';
      output.line(`table ${proposal.name} ${done} in ${PROJECT_FILE}: ${describe(proposal)}`);
      if (isOwn) output.line(explainKey(proposal));
    }
    const created = own.map(toJson);
    const rest = files.filter((file) => !empty.has(file));
    return work({ ...invocation, project: { ...project, model } }, database, { created }, rest);
  });
}

interface Declared {
  /** The model with all tables. */
  readonly model: Model;
  /** The proposals that no other command has declared meanwhile. */
  readonly own: readonly Proposal[];
}

/** Another command may declare tables at the same time, the same ones or others. */
async function declareTables(
  database: Database,
  { directory }: Project,
  proposals: readonly Proposal[],
  { table, dryRun, signal }: Pick<CreateOptions, 'table' | 'dryRun'> & Pick<Invocation, 'signal'>,
): Promise<Declared> {
  const names = [...proposals, ...BUILTIN_MODEL.tables].map(({ name }) => name);
  const declared = await withClient(database.client, 'ingest', (client) =>
    withNamedLock(client, `edp declares ${directory}`, signal, async () => {
      // A table is declared before it is created: what is there before the file is read is declared in it.
      const there = await listTables(client, names);
      const { model } = await loadProject(directory);
      const own = proposals.filter(({ name }) => findTable(model, name) === undefined);
      const whole = { tables: [...model.tables, ...own.map((one) => one.table)] };
      assertMatched(proposals, whole, table);
      assertNew(own, there);
      if (!dryRun && own.length > 0) {
        const keepsBuiltin = BUILTIN_MODEL.tables.some(({ name }) => there.has(name));
        await writeModel(path.join(directory, PROJECT_FILE), own, { keepsBuiltin });
      }
      return { model: whole, own };
    }),
  );
  if (declared !== undefined) return declared;
  throw new EdpError('interrupted', 'stopped while another command was declaring tables');
}

/**
 * Whether a file belongs to a table. If only the beginning of the file's name is the table's name
 * (`sales` for `sales-targets.csv`), the table must also fit its header.
 */
async function isKnown(
  { model }: Project,
  file: InputFile,
  table: string | undefined,
  settingsFor: (table: Table) => FileSettings,
): Promise<boolean> {
  if (!hasTable(model, file.path, table)) return false;
  const match = matchTable(model, file.path, table);
  if (table !== undefined || match.files.length > 0 || bareName(match.name) === stemOf(file.path))
    return true;
  try {
    const version = await versionOf(file);
    planFor(match, await describeFile(version, file.name, match, settingsFor(match)), file.name);
    return true;
  } catch (error) {
    // The load reports any other fault of the file.
    return !(error instanceof EdpError && error.code === 'header_mismatch');
  }
}

async function listTables(
  client: pg.Client,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT name FROM unnest($1::text[], $2::text[]) AS t (name, quoted) WHERE to_regclass(quoted) IS NOT NULL',
    [names, names.map(quoteTable)],
  );
  return new Set(rows.map(({ name }) => name));
}

/** A file's name may be another spelling of a table's name. */
function assertUndeclared(proposals: readonly Proposal[], model: Model): void {
  for (const { name, inference } of proposals) {
    if (findTable(model, name) === undefined) continue;
    const { file } = inference.files[0]!;
    throw new EdpError('unknown_table', `${file.name}: there is a table "${name}" already`, {
      hint: `load into it with --table ${name}, or name another`,
    });
  }
}

/** Names and patterns of other tables may take a file as well. */
function assertMatched(
  proposals: readonly Proposal[],
  model: Model,
  table: string | undefined,
): void {
  for (const { name, inference } of proposals) {
    for (const { file } of inference.files) {
      const match = matchTable(model, file.path, table);
      if (isSameTable(match.name, name)) continue;
      throw new EdpError(
        'unknown_table',
        `${file.name} matches the name of table "${match.name}"`,
        {
          hint: 'load it separately, with --table NAME',
        },
      );
    }
  }
}

/** An undeclared table belongs to another program. */
function assertNew(proposals: readonly Proposal[], there: ReadonlySet<string>): void {
  for (const { name } of proposals) {
    if (!there.has(name)) continue;
    throw new EdpError(
      'table_mismatch',
      `table "${name}" is in the database, but ${PROJECT_FILE} does not declare it`,
      {
        hint: `name another with --table; or declare it (edp model infer <files> --table ${name} --out ${PROJECT_FILE}) and run again without --create`,
      },
    );
  }
}
