/** What `ref()` and `source()` mean: tables and views of the new project. */
import { formatTableName } from '../model/table-name.js';
import { taskName } from '../model/warehouse/schema-parts.js';
import type { Relation } from '../model/warehouse/task.js';
import type { DbtProject } from './dbt-nodes.js';
import { type DbtEntry, placeOf } from './dbt-properties.js';
import { asList, asMap, asText, type YamlMap } from './dbt-yaml.js';
import type { DbtPlace, Refusal } from './findings.js';
import type { JinjaCall } from './jinja-value.js';
import { evaluateText } from './jinja-variables.js';

export interface DbtTarget {
  /** `model.orders`, `source.shop.orders` */
  readonly id: string;
  readonly relation: Relation;
  /** As edp.yaml names it. */
  readonly name: string;
  /** As SQL names it. */
  readonly sql: string;
}

/** A table of `sources:`. */
export interface DbtSourceTable {
  readonly target: DbtTarget;
  /** `shop.orders` */
  readonly name: string;
  readonly source: YamlMap;
  readonly table: YamlMap;
  readonly entry: DbtEntry;
  /** Of the table in the entry. */
  readonly index: number;
  readonly place: DbtPlace;
}

export interface DbtNames {
  /** Schema of models and views. */
  readonly gold: string;
  readonly silver: string;
  readonly targets: ReadonlyMap<string, DbtTarget>;
  readonly sourceTables: readonly DbtSourceTable[];
  /** By id, why something has no name. */
  readonly nameless: ReadonlyMap<string, Refusal>;
  find(call: JinjaCall): DbtTarget | Refusal;
}

const BRONZE = 'public';

export function nameTargets(project: DbtProject): DbtNames {
  const nameless = new Map<string, Refusal>();
  const targets = new Map<string, DbtTarget>();
  const add = (id: string, relation: Relation, name: string) =>
    targets.set(id, { id, relation, name, sql: quoteName(relation) });
  for (const { name, config } of project.seeds) {
    const relation = {
      schema: plainText(config.schema) ?? BRONZE,
      name: plainText(config.alias) ?? name,
    };
    add(`seed.${name}`, relation, nameOfTable(relation));
  }
  const sourceTables = listSourceTables(project, nameless);
  for (const { target } of sourceTables) targets.set(target.id, target);
  const taken = new Set([...targets.values()].map(({ relation }) => relation.schema));
  const gold = firstFree(['gold', 'marts', 'dbt'], taken);
  const silver = firstFree(['silver', 'cleaned', 'dbt_silver'], taken);
  const inGold = new Set<string>();
  for (const { name, config } of project.models) {
    const alias = plainText(config.alias);
    const own = alias === undefined || inGold.has(alias) || !isTaskName(alias) ? name : alias;
    inGold.add(own);
    if (isTaskName(own)) add(`model.${name}`, { schema: gold, name: own }, `gold.${own}`);
    else {
      const { error } = taskName().safeParse(own);
      const reason = error?.issues[0]?.message ?? 'a name of edp has no slash';
      nameless.set(`model.${name}`, { reason, instead: 'give it another name (alias)' });
    }
  }
  for (const { text } of project.snapshots) {
    for (const [, name] of text.matchAll(/\{%-?\s*snapshot\s+(\w+)/g)) {
      add(`snapshot.${name}`, { schema: silver, name: name! }, `silver.${name}`);
    }
  }
  for (const name of snapshotsInYaml(project)) {
    add(`snapshot.${name}`, { schema: silver, name }, `silver.${name}`);
  }
  const found = { gold, silver, targets, sourceTables, nameless };
  return { ...found, find: (call) => findTarget(found, project, call) };
}

/** Since dbt 1.9, a snapshot may be declared in YAML alone. */
export function snapshotsInYaml({ properties }: DbtProject): string[] {
  return [...properties.nodes.values()]
    .filter(({ path, value }) => path[0] === 'snapshots' && value.relation !== undefined)
    .map(({ name }) => name);
}

function isTaskName(name: string): boolean {
  return !/[/\\]/.test(name) && taskName().safeParse(name).success;
}

function firstFree(names: readonly string[], taken: ReadonlySet<string>): string {
  return names.find((name) => !taken.has(name)) ?? `${names[0]}_of_edp`;
}

function nameOfTable({ schema, name }: Relation): string {
  return formatTableName(schema === BRONZE ? { name } : { schema, name });
}

/** Undefined where Jinja is left in it. */
function plainText(value: unknown): string | undefined {
  const text = asText(value);
  return text === undefined || /\{[{%]/.test(text) ? undefined : text;
}

function listSourceTables(project: DbtProject, nameless: Map<string, Refusal>): DbtSourceTable[] {
  const { properties, settings } = project;
  return properties.sources.flatMap((entry) =>
    asList(entry.value.tables).flatMap((one, index): DbtSourceTable[] => {
      const table = asMap(one);
      const own = asText(table.name);
      if (own === undefined) return [];
      const id = `source.${entry.name}.${own}`;
      const schema = evaluateText(asText(entry.value.schema) ?? entry.name, settings.variables);
      const name = evaluateText(asText(table.identifier) ?? own, settings.variables);
      const place = placeOf(entry, ['tables', index]);
      const fault = 'fault' in schema ? schema.fault : 'fault' in name ? name.fault : undefined;
      if (fault !== undefined || !('value' in schema) || !('value' in name)) {
        const instead = 'write the name of schema and table in the file, and convert again';
        nameless.set(id, { reason: fault ?? '', instead });
        return [];
      }
      const relation = { schema: String(schema.value), name: String(name.value) };
      const target = { id, relation, name: formatTableName(relation), sql: quoteName(relation) };
      // A seed is loaded, and so is declared; one table has one name.
      if (relation.schema === BRONZE) target.name = nameOfTable(relation);
      return [
        { target, name: `${entry.name}.${own}`, source: entry.value, table, entry, index, place },
      ];
    }),
  );
}

type Named = Omit<DbtNames, 'find'>;

function findTarget(
  { targets, nameless }: Named,
  { settings }: DbtProject,
  call: JinjaCall,
): DbtTarget | Refusal {
  const texts = call.values.map((one) => (one.kind === 'literal' ? String(one.value) : undefined));
  const [first, second] = texts;
  const written = `${call.name}(${texts.map((text) => `'${text ?? '…'}'`).join(', ')})`;
  if (first === undefined || texts.includes(undefined)) {
    return {
      reason: `${written} has a name that is known to dbt alone`,
      instead: 'write the name',
    };
  }
  if (call.named.has('v') || call.named.has('version')) {
    return { reason: 'edp has no versions of models', instead: 'name the model of that version' };
  }
  if (call.name === 'ref' && second !== undefined && first !== settings.name) {
    const reason = `${written} is a model of the package ${first}, which is not read`;
    return { reason, instead: 'convert the package, too, or write the name of its table' };
  }
  const ids =
    call.name === 'source'
      ? [`source.${first}.${second}`]
      : ['model', 'seed', 'snapshot'].map((kind) => `${kind}.${second ?? first}`);
  for (const id of ids) {
    const found = targets.get(id) ?? nameless.get(id);
    if (found !== undefined) return found;
  }
  const reason = `${written} is nothing that the project declares`;
  return { reason, instead: 'declare it, or write the name of its table' };
}

/** Words that are no name without quotes, and that a schema may be called. */
const RESERVED: ReadonlySet<string> = new Set([
  'all',
  'analyze',
  'check',
  'default',
  'end',
  'grant',
  'group',
  'order',
  'primary',
  'references',
  'table',
  'user',
]);

/** With its schema, so that it is never taken for a query of WITH. */
function quoteName({ schema, name }: Relation): string {
  const quote = (part: string) =>
    /^[a-z_][a-z0-9_]*$/.test(part) && !RESERVED.has(part)
      ? part
      : `"${part.replaceAll('"', '""')}"`;
  return `${quote(schema)}.${quote(name)}`;
}
