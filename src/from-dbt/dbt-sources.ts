/** The tables of `sources:`. */
import { formatTableName } from '../model/table-name.js';
import type { Relation } from '../model/warehouse/task.js';
import type { DbtProject } from './dbt-nodes.js';
import { type DbtEntry, placeOf } from './dbt-properties.js';
import { type DbtTarget, PUBLIC, toTarget } from './dbt-target.js';
import { asList, asMap, asText, type YamlMap } from './dbt-yaml.js';
import type { DbtPlace, Refusal } from './findings.js';
import { evaluateText } from './jinja-variables.js';

/** A table of `sources:`. */
export interface DbtSourceTable {
  /** `source.shop.orders` */
  readonly id: string;
  /** Where a seed fills the table, that of the seed. */
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

/** @param nameless by id, why a table has no name; filled */
export function listSourceTables(
  project: DbtProject,
  seeds: readonly DbtTarget[],
  nameless: Map<string, Refusal>,
): DbtSourceTable[] {
  return project.properties.sources.flatMap((entry) =>
    asList(entry.value.tables).flatMap((one, index): DbtSourceTable[] => {
      const table = asMap(one);
      const own = asText(table.name);
      if (own === undefined) return [];
      const id = `source.${entry.name}.${own}`;
      const relation = findRelation(project, entry, table, own);
      if ('reason' in relation) {
        nameless.set(id, relation);
        return [];
      }
      const seed = seeds.find((each) => isFilledBy(relation, each.relation));
      const target = seed ?? toTarget(id, relation, nameOfTable(relation));
      const place = placeOf(entry, ['tables', index]);
      const { value: source } = entry;
      return [{ id, target, name: `${entry.name}.${own}`, source, table, entry, index, place }];
    }),
  );
}

function findRelation(
  { settings }: DbtProject,
  entry: DbtEntry,
  table: YamlMap,
  own: string,
): Relation | Refusal {
  const instead = 'write the name of schema and table in the file, and convert again';
  const schema = evaluateText(asText(entry.value.schema) ?? entry.name, settings.variables);
  if ('fault' in schema) return { reason: `schema: ${schema.fault}`, instead };
  const name = evaluateText(asText(table.identifier) ?? own, settings.variables);
  if ('fault' in name) return { reason: `identifier: ${name.fault}`, instead };
  return { schema: String(schema.value), name: String(name.value) };
}

/** Without a schema where that says the same. */
export function nameOfTable({ schema, name }: Relation): string {
  return formatTableName(schema === PUBLIC ? { name } : { schema, name });
}

/**
 * Whether a source is the table of a seed: without a schema of its own, that is in the schema of the target, which
 * only a profile of dbt names; with one, in that schema, or in one whose name ends with it.
 */
function isFilledBy(source: Relation, seed: Relation): boolean {
  if (source.name !== seed.name) return false;
  const { schema } = source;
  return seed.schema === PUBLIC || schema === seed.schema || schema.endsWith(`_${seed.schema}`);
}
