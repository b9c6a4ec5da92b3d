/** Sources → names of tables that are there, and checks of how fresh they are. */
import { mergeConfig } from './dbt-config.js';
import type { DbtNames } from './dbt-names.js';
import { configOfEntry, type DbtProject } from './dbt-nodes.js';
import { placeOf } from './dbt-properties.js';
import type { DbtSourceTable } from './dbt-sources.js';
import { asMap, isYamlMap, type YamlMap } from './dbt-yaml.js';
import type { Draft } from './project-draft.js';
import { foldName } from './test-uses.js';

export function convertSources(draft: Draft, project: DbtProject, names: DbtNames): void {
  const { findings } = draft;
  for (const entry of project.properties.sources) {
    for (const [id, refusal] of names.nameless) {
      if (!id.startsWith(`source.${entry.name}.`)) continue;
      findings.refuse('source', id.slice('source.'.length), placeOf(entry), refusal);
    }
  }
  for (const one of names.sourceTables) addFreshness(draft, project, one);
}

/** Called when it is known which seeds are taken. */
export function reportSources(draft: Draft, names: DbtNames): void {
  const seeds = new Set([...draft.seeds.values()].map(({ target }) => target.name));
  for (const { target, name, place } of names.sourceTables) {
    const became = seeds.has(target.name)
      ? `tables: ${target.name}, the seed of this name`
      : `the name ${target.name} of a table that is there`;
    draft.findings.take({ kind: 'source', name, place, became });
  }
}

const UNITS: ReadonlySet<unknown> = new Set(['minute', 'hour', 'day']);

function addFreshness(draft: Draft, project: DbtProject, one: DbtSourceTable): void {
  const { target, name, place } = one;
  const ofSource = configOfEntry(one.source, project.settings);
  const ofTable = configOfEntry(one.table, project.settings);
  const isOff = one.table.freshness === null || ofTable.freshness === null;
  const freshness = asMap(mergeConfig(ofSource, ofTable).freshness);
  const field =
    one.table.loaded_at_field ??
    ofTable.loaded_at_field ??
    one.source.loaded_at_field ??
    ofSource.loaded_at_field;
  const limits = (['error_after', 'warn_after'] as const).flatMap((key) =>
    isWithin(freshness[key]) ? [[key, freshness[key]] as const] : [],
  );
  if (isOff || limits.length === 0) return;
  const shown = `freshness ${name}`;
  if (typeof field !== 'string' || !/^(?:\w+|"[^"]+")$/.test(field.trim())) {
    const reason =
      typeof field === 'string'
        ? `edp asks a column for the latest time, and loaded_at_field is ${field}`
        : 'it has no loaded_at_field, and edp asks a column for the latest time';
    draft.findings.refuse('test', shown, place, {
      reason,
      instead: 'write under checks: fresh: { column, within }',
    });
    return;
  }
  const column = foldName(field.trim());
  for (const [key, { count, period }] of limits) {
    const isWarning = key === 'warn_after';
    const entry = {
      fresh: { column, within: `${String(count)} ${String(period)}s` },
      ...(isWarning ? { severity: 'warn', name: `fresh_${column}_warn` } : {}),
    };
    draft.checks.push({ target, name: `${shown} ${key}`, place, entry, reads: [] });
  }
}

function isWithin(value: unknown): value is YamlMap {
  return isYamlMap(value) && typeof value.count === 'number' && UNITS.has(value.period);
}
