/** The draft as the value of edp.yaml, and as files of SQL. */
import { sqlFile } from '../model/warehouse/project-sql.js';
import type { YamlMap } from './dbt-yaml.js';
import type { Draft, DraftCheck, DraftTask } from './project-draft.js';

export interface Layout {
  readonly layers: Readonly<Record<string, string>>;
  readonly value: YamlMap;
  /** File → text. */
  readonly texts: ReadonlyMap<string, string>;
  readonly taskOfFile: ReadonlyMap<string, DraftTask>;
  /** Table, as edp.yaml names it → its checks, in their order. */
  readonly checksOf: ReadonlyMap<string, readonly DraftCheck[]>;
}

/** @param layers those that have another schema than their name */
export function layOut(draft: Draft, layers: Layout['layers']): Layout {
  const texts = new Map<string, string>();
  const taskOfFile = new Map<string, DraftTask>();
  const sections = { models: {}, views: {} } as Record<
    DraftTask['section'],
    Record<string, unknown>
  >;
  for (const task of draft.tasks.values()) {
    const file = sqlFile(task.section, task.target.relation.name);
    texts.set(file, task.sql.text);
    taskOfFile.set(file, task);
    sections[task.section][task.target.relation.name] = task.entry;
  }
  const checksOf = new Map<string, DraftCheck[]>();
  for (const check of draft.checks) {
    const { name } = check.target;
    checksOf.set(name, [...(checksOf.get(name) ?? []), check]);
    if (check.sql !== undefined) texts.set(sqlFile('checks', check.sql.name), check.sql.text.text);
  }
  const tables = Object.fromEntries(
    [...draft.seeds.values()].map(({ target, entry }) => [target.name, entry]),
  );
  const checks = Object.fromEntries(
    [...checksOf].map(([name, list]) => [name, list.map(({ entry }) => entry)]),
  );
  const value = {
    ...(Object.keys(layers).length === 0 ? {} : { layers }),
    // Without it, edp would have its built-in tables.
    tables,
    ...(Object.keys(sections.models).length === 0 ? {} : { models: sections.models }),
    ...(Object.keys(sections.views).length === 0 ? {} : { views: sections.views }),
    ...(checksOf.size === 0 ? {} : { checks }),
  };
  return { layers, value, texts, taskOfFile, checksOf };
}
