/** Configuration of a model that nothing of edp stands for. */
import type { DbtConfig } from './dbt-config.js';
import type { DbtNode } from './dbt-nodes.js';
import { asList, asMap } from './dbt-yaml.js';
import type { Findings } from './findings.js';

const SQL_ONCE =
  'run the statement once by hand: edp keeps rights, indexes and triggers of a table that it makes anew';

/** Key → what to do instead. Other keys are taken, or mean nothing to edp. */
const UNUSED: ReadonlyMap<string, string> = new Map([
  ['pre_hook', 'put what it makes into a model, or run it before edp run'],
  ['post_hook', SQL_ONCE],
  ['grants', SQL_ONCE],
  ['sql_header', 'put it into the SQL'],
  ['unlogged', 'nothing: the table is an ordinary one'],
  ['batch_size', 'nothing: edp finds what is stale'],
  ['partition_by', 'declare an index, or nothing; facts have partition-by (docs/partitions.md)'],
  ['cluster_by', 'declare an index, or nothing'],
]);

export function reportUnusedConfig(findings: Findings, node: DbtNode, config: DbtConfig): void {
  const place = { file: node.file, line: 1 };
  for (const [key, instead] of UNUSED) {
    const value = config[key];
    if (value === undefined || value === null || asIsEmpty(value)) continue;
    const reason = `edp has nothing for ${key} of a model`;
    findings.refuse('setting', `${key} of ${node.name}`, place, { reason, instead });
  }
  const contract = asMap(config.contract);
  if (contract.enforced === true) {
    const refusal = {
      reason: 'edp enforces no contract of columns and types',
      instead: 'write CAST(column AS type) in the SQL, and checks for the rest',
    };
    findings.refuse('setting', `contract of ${node.name}`, place, refusal);
  }
}

function asIsEmpty(value: unknown): boolean {
  return Array.isArray(value) ? asList(value).length === 0 : value === '';
}
