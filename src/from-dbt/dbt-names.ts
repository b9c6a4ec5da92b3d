/** What `ref()` and `source()` mean: tables and views of the new project. */
import { formatTableName } from '../model/table-name.js';
import { taskName } from '../model/warehouse/schema-parts.js';
import type { DbtProject } from './dbt-nodes.js';
import { type DbtSourceTable, listSourceTables, nameOfTable } from './dbt-sources.js';
import { type DbtTarget, PUBLIC, toTarget } from './dbt-target.js';
import { asText } from './dbt-yaml.js';
import type { Refusal } from './findings.js';
import type { JinjaCall } from './jinja-value.js';

export interface DbtNames {
  /** Layers of edp.yaml whose schema is not called as they are. */
  readonly layers: Readonly<Record<string, string>>;
  readonly targets: ReadonlyMap<string, DbtTarget>;
  readonly sourceTables: readonly DbtSourceTable[];
  /** By id, why something has no name. */
  readonly nameless: ReadonlyMap<string, Refusal>;
  find(call: JinjaCall): DbtTarget | Refusal;
}

export function nameTargets(project: DbtProject): DbtNames {
  const nameless = new Map<string, Refusal>();
  const seeds = nameSeeds(project);
  const sources = listSourceTables(project, seeds, nameless);
  const layers = chooseLayers([...seeds, ...sources.map(({ target }) => target)]);
  // The name of a layer in front of a table means the layer, and a table without a schema is one of bronze.
  const isInBronze = layers.bronze === undefined;
  const named = (target: DbtTarget) =>
    isInBronze ? target : { ...target, name: formatTableName(target.relation) };
  const sourceTables = sources.map((one) => ({ ...one, target: named(one.target) }));
  const targets = new Map<string, DbtTarget>([
    ...seeds.map((seed) => [seed.id, named(seed)] as const),
    ...sourceTables.map(({ id, target }) => [id, target] as const),
  ]);
  const add = (target: DbtTarget) => targets.set(target.id, target);
  nameModels(project, layers.gold ?? 'gold', add, nameless);
  for (const name of project.pythonModels.map(nameOfFile).filter(isTaskName)) {
    const relation = { schema: layers.gold ?? 'gold', name };
    add(toTarget(`model.${name}`, relation, `gold.${name}`));
  }
  for (const name of listSnapshots(project)) {
    add(toTarget(`snapshot.${name}`, { schema: layers.silver ?? 'silver', name }));
  }
  const found = { layers, targets, sourceTables, nameless };
  return { ...found, find: (call) => findTarget(found, project, call) };
}

function nameSeeds({ seeds }: DbtProject): DbtTarget[] {
  return seeds.map(({ name, config }) => {
    const schema = plainText(config.schema) ?? PUBLIC;
    const relation = { schema, name: plainText(config.alias) ?? name };
    return toTarget(`seed.${name}`, relation, nameOfTable(relation));
  });
}

/** Schemas of tables that are there belong to no layer that edp makes. */
function chooseLayers(targets: readonly DbtTarget[]): DbtNames['layers'] {
  const taken = new Set(targets.map(({ relation }) => relation.schema));
  const choose = (layer: string, others: readonly string[]) => {
    if (!taken.has(layer)) return {};
    return { [layer]: others.find((name) => !taken.has(name)) ?? `${layer}_of_edp` };
  };
  return {
    ...(taken.has('bronze') ? { bronze: 'bronze' } : {}),
    ...choose('silver', ['cleaned', 'dbt_silver']),
    ...choose('gold', ['marts', 'dbt']),
  };
}

function nameModels(
  { models }: DbtProject,
  schema: string,
  add: (target: DbtTarget) => void,
  nameless: Map<string, Refusal>,
): void {
  const taken = new Set<string>();
  for (const { name, config } of models) {
    const id = `model.${name}`;
    const alias = plainText(config.alias);
    const own = alias === undefined || taken.has(alias) || !isTaskName(alias) ? name : alias;
    taken.add(own);
    if (isTaskName(own)) add(toTarget(id, { schema, name: own }, `gold.${own}`));
    else {
      const { error } = taskName().safeParse(own);
      const reason = error?.issues[0]?.message ?? 'a name of edp has no slash';
      nameless.set(id, { reason, instead: 'give it another name (alias)' });
    }
  }
}

function listSnapshots(project: DbtProject): string[] {
  const inFiles = project.snapshots.flatMap(({ text }) =>
    [...text.matchAll(/\{%-?\s*snapshot\s+(\w+)/g)].map(([, name]) => name!),
  );
  return [...inFiles, ...snapshotsInYaml(project)];
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

/** Undefined where Jinja is left in it. */
function plainText(value: unknown): string | undefined {
  const text = asText(value);
  return text === undefined || /\{[{%]/.test(text) ? undefined : text;
}

/** As `ref` names a model in Python. */
export function nameOfFile(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1, file.lastIndexOf('.'));
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
