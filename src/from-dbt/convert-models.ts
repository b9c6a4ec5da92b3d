/** Models → models and views of edp. */
import { isSqlFault, type SqlReader } from '../model/warehouse/sql-reader.js';
import { type DbtConfig, isEnabled } from './dbt-config.js';
import { type DbtNames, nameOfFile } from './dbt-names.js';
import type { DbtNode, DbtProject } from './dbt-nodes.js';
import { descriptionOf } from './dbt-properties.js';
import type { DbtTarget } from './dbt-target.js';
import { asMap, asText, asTexts } from './dbt-yaml.js';
import { isRefusal, type Refusal } from './findings.js';
import { reportUnusedConfig } from './model-config.js';
import { findKey } from './model-key.js';
import type { Draft, DraftTask } from './project-draft.js';
import { type Rendered, renderJinja } from './render-jinja.js';
import { type MappedSql, originalLine } from './sql-lines.js';

export function convertModels(
  draft: Draft,
  project: DbtProject,
  names: DbtNames,
  sql: SqlReader,
): void {
  for (const node of project.models) {
    const refused = convertModel(draft, project, names, sql, node);
    if (refused === undefined) continue;
    const { line = 1, ...refusal } = refused;
    draft.findings.refuse('model', node.name, { file: node.file, line }, refusal);
  }
  for (const file of project.pythonModels) {
    const name = nameOfFile(file);
    const refusal = {
      reason: 'it is Python, and edp runs SQL',
      instead: `write it as SQL, or fill the table by a program of your own`,
    };
    draft.findings.refuse('model', name, { file, line: 1 }, refusal);
  }
}

function convertModel(
  draft: Draft,
  project: DbtProject,
  names: DbtNames,
  reader: SqlReader,
  node: DbtNode,
): (Refusal & { readonly line?: number }) | undefined {
  const disabled = {
    reason: 'it is disabled in dbt',
    instead: 'nothing; or enable it, and convert again',
  };
  if (!isEnabled(node.config)) return disabled;
  const id = `model.${node.name}`;
  const target = names.targets.get(id);
  if (target === undefined) return names.nameless.get(id)!;
  const rendered = renderJinja(node.text, {
    variables: project.settings.variables,
    file: `sql/models/${target.relation.name}.sql or sql/views/${target.relation.name}.sql`,
    nameOf: (call) => {
      const found = names.find(call);
      return isRefusal(found) ? found : found.sql;
    },
  });
  if (isRefusal(rendered)) return rendered;
  const { config } = node;
  const reading = reader.readQuery(rendered.sql.text);
  if (isSqlFault(reading)) {
    const line = originalLine(rendered.sql, reading.line);
    const instead = 'write it in the SQL of PostgreSQL, as one SELECT';
    return { line, reason: `PostgreSQL does not read it: ${reading.message}`, instead };
  }
  const materialized = asText(config.materialized) ?? 'view';
  if (!MATERIALIZATIONS.includes(materialized)) {
    const instead = `write sql/models/${target.relation.name}.sql, and declare it under models: with its key`;
    return { reason: `edp has no materialization "${materialized}"`, instead };
  }
  const task = toTask(node, target, rendered, idsRead(names, rendered));
  fillTask(task, materialized, config, findKey(project, node, config, reading.columns));
  task.entry = { ...describeTask(project, node, config), ...task.entry };
  reportUnusedConfig(draft.findings, node, config);
  draft.tasks.set(id, task);
  return undefined;
}

const MATERIALIZATIONS = ['view', 'table', 'incremental', 'ephemeral', 'materialized_view'];

function idsRead(names: DbtNames, { reads }: Rendered): string[] {
  const ids = reads.map((call) => names.find(call)).filter((one) => !isRefusal(one));
  return [...new Set(ids.map((one) => (one as DbtTarget).id))];
}

function toTask(
  node: DbtNode,
  target: DbtTarget,
  { sql, isIncremental }: Rendered,
  reads: readonly string[],
): DraftTask {
  const notes: string[] = [];
  if (isIncremental) notes.push('blocks of is_incremental() are left out: edp finds what is stale');
  const alias =
    target.relation.name === node.name ? [] : [`called ${target.relation.name}, its alias`];
  return {
    target,
    name: node.name,
    place: { file: node.file, line: 1 },
    sql: withoutHeader(sql),
    reads,
    notes: [...alias, ...notes],
    section: 'views',
    entry: {},
  };
}

/** Comments at the top of a view are its header, so those of dbt stand behind an empty line. */
function withoutHeader(sql: MappedSql): MappedSql {
  if (!sql.text.startsWith('--')) return sql;
  return { text: `\n${sql.text}`, lines: [1, ...sql.lines] };
}

/** A table is a model where its key is known, and keeps its rows as a materialized view where it is not. */
function fillTask(
  task: DraftTask,
  materialized: string,
  config: DbtConfig,
  key: readonly string[] | undefined,
): void {
  if (materialized === 'ephemeral')
    task.notes.push('ephemeral in dbt: it is a view that can be read');
  if (materialized === 'view' || materialized === 'ephemeral') return;
  const written = key === undefined ? undefined : key.length === 1 ? key[0] : key;
  if (materialized !== 'materialized_view' && written !== undefined) {
    task.section = 'models';
    task.entry = { key: written };
    return;
  }
  const indexes = listIndexes(config);
  task.entry = {
    materialized: true,
    ...(written === undefined ? {} : { unique: written }),
    ...(indexes.length === 0 ? {} : { indexes }),
  };
  if (materialized !== 'materialized_view') {
    task.notes.push(
      'a model needs a key, and none is known: unique and not_null tests of a column tell it',
    );
  }
  if (materialized === 'incremental') {
    task.notes.push('rows that its sources no longer have are not kept');
  }
}

function listIndexes({ indexes }: DbtConfig): (string | readonly string[])[] {
  const list = Array.isArray(indexes) ? indexes : [];
  return list.flatMap((index) => {
    const columns = asTexts(asMap(index).columns);
    return columns.length === 0 ? [] : [columns.length === 1 ? columns[0]! : columns];
  });
}

function describeTask({ properties }: DbtProject, { entry }: DbtNode, config: DbtConfig) {
  const description = descriptionOf(entry?.value ?? {}, properties);
  const { owner } = asMap(config.meta);
  const tags = asTexts(config.tags).filter((tag) => !/\{[{%]/.test(tag));
  return {
    ...(description === undefined ? {} : { description }),
    ...(typeof owner === 'string' ? { owner } : {}),
    ...(tags.length === 0 ? {} : { tags: tags.length === 1 ? tags[0] : tags }),
  };
}
