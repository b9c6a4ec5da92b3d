/** `edp schema`: published versions of the schemas, and what a change of the model means to their readers. */
import { EdpError, EXIT } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import type { Catalogue } from '../codegen/catalogue.js';
import { checkSchemas, type TableCheck } from '../codegen/check-schemas.js';
import { diffSchemas, type TableDiff } from '../codegen/diff-schemas.js';
import { holdPublication } from '../codegen/hold-publication.js';
import { planPublication } from '../codegen/publish-schemas.js';
import { type Lock, listVersions, readLock } from '../codegen/published.js';
import { writeChanges } from '../codegen/write-files.js';
import type { OptionValues } from '../options/option-definitions.js';
import { resolveOptions } from '../options/resolve-options.js';
import { formatNumber, safeText } from '../terminal/output.js';
import type { Command, Invocation } from './command.js';
import type { SchemaCheckJson, SchemaDiffJson, SchemaPublishJson } from './json/schema.schema.js';
import { type ACTIONS, OPTION_NAMES } from './schema.help.js';
import {
  describeChange,
  describeCompatibility,
  describeState,
  toChangeJson,
} from './schema-lines.js';
import { readCatalogue } from './shared/read-catalogue.js';
import { type ActionUses, refuseUnused } from './shared/refuse-unused.js';
import { secondsJson } from './shared/seconds-json.js';

type Options = OptionValues<(typeof OPTION_NAMES)[number]>;

interface Work {
  readonly invocation: Invocation;
  readonly catalogue: Catalogue;
  readonly lock: Lock;
  readonly names: readonly string[];
  readonly options: Options;
  seconds(): number;
}

export const command: Command = {
  async run(invocation) {
    const { given, project } = invocation;
    const started = performance.now();
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const action = given.action as (typeof ACTIONS)[number];
    refuseUnused(given, action, USES);
    const lock = await readLock(project.directory);
    const catalogue = readCatalogue(project, lock);
    const names = (given.tables ?? []) as readonly string[];
    assertKnown(names, catalogue, lock);
    const seconds = () => secondsJson((performance.now() - started) / 1000);
    return RUN[action]({ invocation, catalogue, lock, names, options, seconds });
  },
};

const USES: ActionUses<(typeof ACTIONS)[number]> = {
  command: 'schema',
  flags: { from: ['diff'], to: ['diff'] },
};

/** So that the first publication of a large model leaves something of the terminal. */
const SHOWN = 50;

const RUN = { check, publish, diff } as const;

/** @throws EdpError `unknown_table` */
function assertKnown(names: readonly string[], { tables, others }: Catalogue, lock: Lock): void {
  const known = new Set([...tables.map(({ name }) => name), ...listVersions(lock).keys()]);
  for (const name of names) {
    if (known.has(name)) continue;
    const other = others.find(({ table }) => table === name);
    const close = nearest(name, known);
    throw new EdpError('unknown_table', `there are no schemas of ${JSON.stringify(name)}`, {
      hint:
        other !== undefined
          ? other.why
          : close === undefined
            ? 'declare it under tables: with its key'
            : `did you mean ${JSON.stringify(close)}?`,
    });
  }
}

async function check({ invocation, catalogue, lock, names, seconds }: Work): Promise<number> {
  const { output, project } = invocation;
  const all = await checkSchemas(project.directory, catalogue, lock);
  const checks = all.filter(({ table }) => names.length === 0 || names.includes(table));
  for (const one of checks) printCheck(output, one);
  const asking = checks.filter(({ action }) => action !== undefined).length;
  const unpublished = checks.filter(({ state }) => state === 'unpublished' || state === 'next');
  output.line(
    `${formatNumber(checks.length, 'table')}: ${asking} to be changed, ${unpublished.length} to be published`,
  );
  const result: SchemaCheckJson = {
    command: 'schema',
    ok: true,
    seconds: seconds(),
    action: 'check',
    needsAction: asking > 0,
    tables: checks.map(toCheckJson),
  };
  output.result(result);
  return asking > 0 ? EXIT.difference : EXIT.done;
}

/** What is as it should be is counted only. */
function printCheck(output: Invocation['output'], one: TableCheck): void {
  if (one.state === 'published' || one.state === 'unpublished') return;
  const { table, changes, compatibility, faults, action } = one;
  output.line(safeText(`${table}: ${describeState(one)}`));
  for (const change of changes) output.line(safeText(`  ${describeChange(change)}`));
  for (const { file, state } of faults) output.line(safeText(`  ${file}: ${state}`));
  if (compatibility !== undefined) output.line(`  ${describeCompatibility(compatibility)}`);
  if (action !== undefined) output.line(safeText(`  → ${action}`));
}

function toCheckJson(one: TableCheck): SchemaCheckJson['tables'][number] {
  const { table, version, published, state, compatibility, changes, faults, action } = one;
  return {
    table,
    version: version ?? null,
    published: published ?? null,
    state,
    compatibility: compatibility ?? null,
    changes: changes.map(toChangeJson),
    faults: faults.map((fault) => ({ ...fault })),
    todo: action ?? null,
  };
}

async function publish({ invocation, catalogue, names, seconds }: Work): Promise<number> {
  const { output, project } = invocation;
  const { directory } = project;
  const chosen = catalogue.tables.filter(({ name }) => names.length === 0 || names.includes(name));
  const plan = async () => planPublication(directory, chosen, await readLock(directory));
  const first = await plan();
  // Where nothing is new, nothing is written.
  const { tables, unchanged, changes } =
    first.changes.length === 0
      ? first
      : await holdPublication(directory, async () => {
          const planned = await plan();
          await writeChanges(directory, planned.changes);
          return planned;
        });
  for (const { name, version } of tables.slice(0, SHOWN)) {
    output.line(safeText(`${name}: version ${version}`));
  }
  if (tables.length > SHOWN) output.line(`and ${tables.length - SHOWN} more`);
  output.line(
    `${formatNumber(tables.length, 'table')} published, ${unchanged} published before; commit schemas/ with its lock file`,
  );
  const result: SchemaPublishJson = {
    command: 'schema',
    ok: true,
    seconds: seconds(),
    action: 'publish',
    published: tables.map(({ name, version }) => ({ table: name, version })),
    unchanged,
    files: changes.map(({ path }) => path),
  };
  output.result(result);
  return EXIT.done;
}

async function diff(work: Work): Promise<number> {
  const { invocation, catalogue, lock, names, options, seconds } = work;
  const { output, project } = invocation;
  const { fromVersion: from, toVersion: to } = options;
  const diffs: TableDiff[] = [];
  for (const table of names.length === 0 ? [undefined] : names) {
    diffs.push(...(await diffSchemas(project.directory, catalogue, lock, { table, from, to })));
  }
  const differing = diffs.filter(({ changes }) => changes.length > 0);
  for (const { table, from, to, compatibility, changes } of differing) {
    output.line(safeText(`${table}: v${from} → ${to === undefined ? 'the model' : `v${to}`}`));
    for (const change of changes) output.line(safeText(`  ${describeChange(change)}`));
    output.line(`  ${describeCompatibility(compatibility)}`);
  }
  output.line(`${formatNumber(diffs.length, 'table')} compared, ${differing.length} differ`);
  const result: SchemaDiffJson = {
    command: 'schema',
    ok: true,
    seconds: seconds(),
    action: 'diff',
    tables: diffs.map(({ table, from, to, compatibility, changes }) => ({
      table,
      from,
      to: to ?? null,
      compatibility,
      changes: changes.map(toChangeJson),
    })),
  };
  output.result(result);
  return differing.length > 0 ? EXIT.difference : EXIT.done;
}
