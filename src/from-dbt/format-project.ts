/** The value of edp.yaml → its text. */
import { Document, isMap, isSeq, type Node, type Pair, visit } from 'yaml';
import { quoteAmbiguous } from '../project/plain-names.js';
import type { YamlMap } from './dbt-yaml.js';

const HEADER = (project: string) =>
  ` Made by edp init --from-dbt of the dbt project ${project}; FROM_DBT.md says what became of each part.`;

/** Longer entries take a line for each key. */
const MAX_FLOW = 100;

export function formatProject(value: YamlMap, project: string): string {
  const document = new Document(escapeVariables(value));
  quoteAmbiguous(document);
  document.commentBefore = HEADER(project.replace(/[\p{Cc}\u2028\u2029]+/gu, ' '));
  visit(document, {
    Pair(_, pair, path) {
      // The entry of a section, a column of a table.
      const depth = path.filter((node) => isMap(node)).length;
      if (depth >= 2) flowIfShort(pair.value);
    },
    Seq(_, { items }, path) {
      if (path.filter((node) => isMap(node)).length === 2)
        for (const item of items) flowIfShort(item);
    },
  });
  for (const [i, pair] of (
    document.contents as unknown as { items: Pair<Node, Node>[] }
  ).items.entries()) {
    if (i > 0) pair.key.spaceBefore = true;
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function flowIfShort(node: unknown): void {
  if (!isMap(node) && !isSeq(node)) return;
  // A list of checks has a line for each.
  if (isSeq(node) && node.items.some(isMap)) return;
  if (isMap(node) && node.has('columns') && isMap(node.get('columns'))) return;
  if (JSON.stringify(node.toJSON()).length <= MAX_FLOW) node.flow = true;
}

/** `${NAME}` in edp.yaml is a variable of the environment, and in dbt it is text. */
function escapeVariables(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', () => '$${');
  if (Array.isArray(value)) return value.map(escapeVariables);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, escapeVariables(inner)]),
  );
}
