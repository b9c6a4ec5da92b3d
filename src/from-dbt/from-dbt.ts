/** A dbt project → the files of a project of edp, and what could not be taken. Nothing of it is run. */
import path from 'node:path';
import { quoteIdentifier } from '../model/ddl.js';
import { loadSqlReader } from '../model/warehouse/sql-reader.js';
import { parseProject } from '../project/parse.js';
import { convertModels } from './convert-models.js';
import { convertSeeds, type SeedReading } from './convert-seeds.js';
import { convertSources, reportSources } from './convert-sources.js';
import { TestConverter } from './convert-tests.js';
import { DbtFolder } from './dbt-folder.js';
import { type DbtNames, nameTargets } from './dbt-names.js';
import { readDbtProject } from './dbt-nodes.js';
import { dropFaulty } from './drop-faulty.js';
import { leaveOutExtraColumns } from './extra-columns.js';
import { Findings } from './findings.js';
import { formatFindings, type NextSteps } from './format-findings.js';
import { formatProject } from './format-project.js';
import type { Layout } from './layout.js';
import { listOthers } from './list-others.js';
import { Draft } from './project-draft.js';
import { reportTaken } from './report-taken.js';

export const FINDINGS_FILE = 'FROM_DBT.md';

export interface FromDbt {
  /** Of the dbt project. */
  readonly name: string;
  /** Path in the new project → its text. */
  readonly texts: ReadonlyMap<string, string>;
  /** Path in the new project → the file that is copied there. */
  readonly copies: ReadonlyMap<string, string>;
  readonly findings: Findings;
  readonly next: NextSteps;
}

/** @param inside what leads into the directory of the new project, for the commands. @throws EdpError `usage`, `io` */
export async function convertDbt(
  folder: string,
  inside: readonly string[],
  reading: SeedReading,
): Promise<FromDbt> {
  const findings = new Findings();
  const [project, sql] = await Promise.all([
    DbtFolder.open(folder).then((opened) => readDbtProject(opened, findings)),
    loadSqlReader(),
  ]);
  const names = nameTargets(project);
  const draft = new Draft(findings);
  await convertSeeds(draft, project, names, reading);
  convertModels(draft, project, names, sql);
  convertSources(draft, project, names);
  new TestConverter(draft, project, names, sql).convertAll();
  const { layers } = names;
  dropFaulty(draft, layers, sql);
  leaveOutExtraColumns(draft, sql);
  const layout = dropFaulty(draft, layers, sql);
  reportSources(draft, names);
  reportTaken(draft);
  await listOthers(findings, project);
  const name = project.settings.name || path.basename(path.resolve(folder));
  const next = nextSteps(draft, names, inside);
  return {
    name,
    texts: textsOf(name, draft, layout, next),
    copies: new Map(
      [...draft.seeds.values()].map(({ copy, place }) => [copy, project.folder.pathOf(place.file)]),
    ),
    findings,
    next,
  };
}

function textsOf(name: string, draft: Draft, layout: Layout, next: NextSteps): Map<string, string> {
  const yaml = formatProject(layout.value, name);
  // Written and read again, it says the same.
  parseProject(yaml, {});
  return new Map([
    ['edp.yaml', yaml],
    ...layout.texts,
    ...draft.waiting,
    [FINDINGS_FILE, formatFindings(name, draft.findings, next)],
  ]);
}

function nextSteps(draft: Draft, names: DbtNames, inside: readonly string[]): NextSteps {
  const seeds = [...draft.seeds.values()];
  const schemas = new Set(seeds.map(({ target }) => target.relation.schema));
  schemas.delete('public');
  const loaded = new Set(seeds.map(({ target }) => target.name));
  const read = new Set([...draft.tasks.values()].flatMap(({ reads }) => reads));
  const asked = new Set(draft.checks.flatMap(({ target, reads }) => [target.id, ...reads]));
  const tables = names.sourceTables.filter(
    ({ target }) => !loaded.has(target.name) && (read.has(target.id) || asked.has(target.id)),
  );
  return {
    tables: tables.map(({ target }) => target.name),
    commands: [
      ...inside,
      ...[...schemas].map(makeSchema),
      ...(seeds.length === 0 ? [] : [`edp ingest 'data/*.csv'`]),
      'edp run',
      'edp check',
    ],
  };
}

function makeSchema(schema: string): string {
  const statement = `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(schema)}`;
  return `edp db psql -c '${statement.replaceAll("'", `'\\''`)}'`;
}
