/** What a dbt project has beside tables and tests: listed, with what to do instead. */

import { snapshotsInYaml } from './dbt-names.js';
import type { DbtProject } from './dbt-nodes.js';
import { placeOf } from './dbt-properties.js';
import { asList, asMap, asText, parseDbtYaml } from './dbt-yaml.js';
import type { DbtKind, Findings, Refusal } from './findings.js';
import { parseJinja } from './jinja-value.js';
import { evaluate } from './jinja-variables.js';

/** Section of a YAML file → what it is, and what to do instead. */
const SECTIONS: ReadonlyMap<string, readonly [DbtKind, Refusal]> = new Map([
  [
    'exposures',
    of(
      'exposure',
      'edp lists no readers of its tables',
      'write into description: who reads the table; edp lineage shows what is made of what',
    ),
  ],
  [
    'metrics',
    of('metric', 'edp has no metrics', 'write a view that answers it, or a measure of a fact'),
  ],
  [
    'semantic_models',
    of('metric', 'edp has no semantic models', 'declare facts: and dimensions: with measures'),
  ],
  [
    'saved_queries',
    of('metric', 'edp has no saved queries', 'write sql/views/NAME.sql or sql/reports/NAME.sql'),
  ],
  [
    'unit_tests',
    of(
      'unit test',
      'edp has no unit tests of a model',
      'load the rows into a database of a test, and compare after edp run',
    ),
  ],
  ['macros', of('macro', 'it describes a macro', 'nothing')],
  ['groups', of('setting', 'edp has no groups', 'write owner: into the tables')],
  ['functions', of('macro', 'edp makes no functions', 'create the function by hand, once')],
]);

function of(kind: DbtKind, reason: string, instead: string): readonly [DbtKind, Refusal] {
  return [kind, { reason, instead }];
}

export async function listOthers(findings: Findings, project: DbtProject): Promise<void> {
  for (const [section, entries] of project.properties.others) {
    const known = SECTIONS.get(section);
    // Tests and versions stand here in other forms, and are read where they belong.
    if (known === undefined || section === 'macros') continue;
    for (const entry of entries) findings.refuse(known[0], entry.name, placeOf(entry), known[1]);
  }
  listSnapshots(findings, project);
  listMacros(findings, project);
  for (const { name, file } of project.analyses) {
    const instead = 'copy its SQL into sql/reports/ (edp generate-report) where somebody runs it';
    findings.refuse(
      'analysis',
      name,
      { file, line: 1 },
      { reason: 'dbt only compiles it', instead },
    );
  }
  await listPackages(findings, project);
  listHooks(findings, project);
}

const HISTORY = 'edp keeps no history of a table in this version';

function listSnapshots(findings: Findings, project: DbtProject): void {
  const { variables } = project.settings;
  for (const { file, text, entry } of project.snapshots) {
    for (const found of text.matchAll(/\{%-?\s*snapshot\s+(\w+)[\s\S]*?\{%-?\s*endsnapshot/g)) {
      const line = text.slice(0, found.index).split('\n').length;
      const written = /\{\{-?\s*(config\([\s\S]*?\))\s*-?\}\}/.exec(found[0])?.[1] ?? '';
      const call = parseJinja(written);
      const named = call?.kind === 'call' ? [...call.named] : [];
      const config = Object.fromEntries(
        named.map(([name, value]) => {
          const evaluated = evaluate(value, variables);
          return [name, 'value' in evaluated ? evaluated.value : undefined];
        }),
      );
      const whole = { ...asMap(entry?.value.config), ...config };
      findings.refuse(
        'snapshot',
        found[1]!,
        { file, line },
        { reason: HISTORY, instead: adviseOnSnapshot(whole) },
      );
    }
  }
  for (const name of snapshotsInYaml(project)) {
    const entry = project.properties.nodes.get(name)!;
    const instead = adviseOnSnapshot(asMap(entry.value.config));
    findings.refuse('snapshot', name, placeOf(entry), { reason: HISTORY, instead });
  }
}

function adviseOnSnapshot({
  strategy,
  unique_key: key,
  updated_at: updated,
}: Readonly<Record<string, unknown>>): string {
  const keyText = asText(key) ?? (asList(key).join(', ') || 'its key');
  const latest = `declare a table under silver: with key: ${keyText}`;
  return strategy === 'timestamp' && asText(updated) !== undefined
    ? `${latest} and latest-by: ${String(updated)}, which has the latest row of each key; the history itself stays in dbt`
    : `${latest}, which has the latest row of each key; the history itself stays in dbt`;
}

function listMacros(findings: Findings, { macros, tests }: DbtProject): void {
  for (const { file, text } of [...macros, ...tests]) {
    for (const found of text.matchAll(/\{%-?\s*(macro|test|data_test|materialization)\s+(\w+)/g)) {
      const line = text.slice(0, found.index).split('\n').length;
      const instead =
        found[1] === 'macro'
          ? 'write its SQL where it is used, or create a function of PostgreSQL'
          : found[1] === 'materialization'
            ? 'use models: and views:'
            : 'write sql/checks/NAME.sql for each table that it is asked of';
      findings.refuse(
        'macro',
        found[2]!,
        { file, line },
        { reason: 'edp has no templates', instead },
      );
    }
  }
}

async function listPackages(findings: Findings, { folder }: DbtProject): Promise<void> {
  for (const file of ['packages.yml', 'dependencies.yml']) {
    const text = await folder.read(file);
    const yaml = text === undefined ? undefined : parseDbtYaml(file, text);
    if (yaml === undefined || 'fault' in yaml) continue;
    const root = asMap(yaml.value);
    for (const section of ['packages', 'projects']) {
      for (const [i, one] of asList(root[section]).entries()) {
        const value = asMap(one);
        const name = [value.package, value.git, value.local, value.tarball, value.name].find(
          (each) => typeof each === 'string',
        );
        const place = { file, line: yaml.lineOf([section, i]) };
        const refusal = {
          reason: 'edp has no packages',
          instead:
            'checks stand for the common tests of dbt_utils and dbt_expectations; write the SQL of the rest',
        };
        findings.refuse('package', String(name ?? '?'), place, refusal);
      }
    }
  }
}

function listHooks(findings: Findings, { settings }: DbtProject): void {
  const root = asMap(settings.yaml.value);
  for (const key of ['on-run-start', 'on-run-end']) {
    if (
      root[key] === undefined ||
      root[key] === null ||
      asList(root[key]).length + String(root[key]).length === 0
    )
      continue;
    const place = { file: settings.yaml.file, line: settings.yaml.lineOf([key]) };
    const refusal = {
      reason: 'edp runs no statements before and after a run',
      instead: 'run them beside edp run (edp db psql)',
    };
    findings.refuse('setting', key, place, refusal);
  }
}
