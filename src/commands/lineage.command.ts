/** `edp lineage`: what tables and columns are made of. */
import { EXIT } from '../base/errors.js';
import type { CapturedTable } from '../model/capture.js';
import { loadSqlReader } from '../model/warehouse/sql-reader.js';
import type { Task } from '../model/warehouse/task.js';
import { resolveOptions } from '../options/resolve-options.js';
import { loadWarehouse } from '../project/load-warehouse.js';
import { safeJson, safeText } from '../terminal/output.js';
import { withOrigins } from '../warehouse/lineage/captured-origins.js';
import { formatMermaid, formatText } from '../warehouse/lineage/format-lineage.js';
import { lineageOf } from '../warehouse/lineage/lineage-graph.js';
import { type Lineage, selectLineage } from '../warehouse/lineage/select-lineage.js';
import type { Command } from './command.js';
import type { LineageJson } from './json/lineage.schema.js';
import { OPTION_NAMES } from './lineage.help.js';
import { NO_TASKS } from './shared/no-tasks.js';

export const command: Command = {
  async run({ given, project, output }) {
    const { lineageFormat } = resolveOptions(OPTION_NAMES, given, project.options);
    const { warehouse, model } = await loadWarehouse(project.directory);
    const { capture } = project;
    const needsSql = warehouse.tasks.some(hasSql) || capture?.tables.some(isMadeBySql) === true;
    const sql = needsSql ? await loadSqlReader() : undefined;
    const wanted = given.name as string | undefined;
    const nodes = lineageOf(warehouse, model, sql);
    const all =
      capture === undefined
        ? nodes
        : withOrigins(nodes, capture, project.model, warehouse.layers.bronze, sql);
    const lineage = selectLineage(all, wanted);
    const result = toJson(lineage);
    if (lineageFormat === 'json') output.line(safeJson(result));
    else {
      const lines = lineageFormat === 'mermaid' ? formatMermaid(lineage) : formatText(lineage);
      if (lines.length === 0) output.line(NO_TASKS);
      for (const line of lines) output.line(safeText(line));
    }
    output.result(result);
    return EXIT.done;
  },
};

function hasSql(task: Task): boolean {
  if (task.kind === 'silver') return task.columns.some(({ from }) => 'sql' in from);
  return 'sql' in task;
}

function isMadeBySql({ columns }: CapturedTable): boolean {
  return Object.values(columns).some((form) => 'sql' in form);
}

function toJson({ of, above, self, below }: Lineage): LineageJson {
  return { command: 'lineage', ok: true, of, nodes: [...above, ...self, ...below] };
}
