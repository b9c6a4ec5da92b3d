/** Seeds → tables that `edp ingest` fills, with types that every record of the file has. */
import { EdpError } from '../base/errors.js';
import type { InferencePool } from '../infer/infer-pool.js';
import { proposeTables } from '../infer/propose-tables.js';
import { COLUMN_TYPES, type ColumnType } from '../model/types.js';
import { discoverFiles } from '../source/discover.js';
import { isEnabled } from './dbt-config.js';
import type { DbtNames } from './dbt-names.js';
import type { DbtNode, DbtProject } from './dbt-nodes.js';
import { descriptionOf } from './dbt-properties.js';
import { asList, asMap, asText, asTexts } from './dbt-yaml.js';
import { findKey } from './model-key.js';
import type { Draft } from './project-draft.js';
import { columnOf, foldName } from './test-uses.js';

export interface SeedReading {
  readonly pool: InferencePool;
  readonly signal: AbortSignal;
}

export async function convertSeeds(
  draft: Draft,
  project: DbtProject,
  names: DbtNames,
  reading: SeedReading,
): Promise<void> {
  for (const seed of project.seeds) {
    const place = { file: seed.file, line: 1 };
    if (!isEnabled(seed.config)) {
      const refusal = { reason: 'it is disabled in dbt', instead: 'nothing' };
      draft.findings.refuse('seed', seed.name, place, refusal);
      continue;
    }
    try {
      await convertSeed(draft, project, names, seed, reading);
    } catch (error) {
      if (!(error instanceof EdpError) || error.code === 'interrupted') throw error;
      const refusal = {
        reason: error.message,
        instead: error.hint ?? `edp inspect ${seed.file} shows how the file is read`,
      };
      draft.findings.refuse('seed', seed.name, place, refusal);
    }
  }
}

async function convertSeed(
  draft: Draft,
  project: DbtProject,
  names: DbtNames,
  seed: DbtNode,
  { pool, signal }: SeedReading,
): Promise<void> {
  const target = names.targets.get(`seed.${seed.name}`)!;
  const files = await discoverFiles([project.folder.pathOf(seed.file)], process.cwd());
  const delimiter = asText(seed.config.delimiter);
  const csv = delimiter === undefined ? {} : { delimiter };
  const options = {
    table: target.name,
    key: undefined,
    taken: new Set<string>(),
    settings: { csv, text: {} },
    specified: { csv, text: {} },
  };
  const progress = { advance: () => {} };
  const [proposal] = await proposeTables(files, options, pool, progress, signal);
  const entry: Record<string, unknown> = {
    ...describeTable(project, seed),
    ...structuredClone(proposal!.input),
  };
  setKey(entry, project, seed);
  const notes = setTypes(entry, seed);
  describeColumns(entry, project, seed);
  draft.seeds.set(target.id, {
    target,
    name: seed.name,
    place: { file: seed.file, line: 1 },
    proposal: proposal!,
    entry,
    copy: `data/${seed.file.slice(seed.file.lastIndexOf('/') + 1)}`,
    ...(notes.length === 0 ? {} : { note: notes.join('; ') }),
  });
}

/** A seed has a key where its tests say so, and not because its values differ today. */
function setKey(entry: Record<string, unknown>, project: DbtProject, seed: DbtNode): void {
  const key = findKey(project, seed, {}, Object.keys(entry.columns as object));
  delete entry.key;
  if (key !== undefined) entry.key = key.length === 1 ? key[0] : key;
}

/** Takes the types of `column_types:`. @returns what is different there */
function setTypes(entry: Record<string, unknown>, { config }: DbtNode): string[] {
  const columns = entry.columns as Record<string, unknown>;
  return Object.entries(asMap(config.column_types)).flatMap(([written, wanted]) => {
    const name = [written, foldName(written)].find((one) => Object.hasOwn(columns, one));
    const type = toColumnType(String(wanted));
    if (name === undefined) return [`the file has no column ${written}`];
    if (type === undefined) return [`${name} is no ${String(wanted)}`];
    const declared = columns[name];
    columns[name] = typeof declared === 'object' ? { ...declared, type } : type;
    return [];
  });
}

const TYPE_NAMES: ReadonlyMap<string, ColumnType> = new Map<string, ColumnType>([
  ['integer', 'int'],
  ['int4', 'int'],
  ['int64', 'bigint'],
  ['int8', 'bigint'],
  ['int2', 'smallint'],
  ['number', 'numeric'],
  ['decimal', 'numeric'],
  ['float', 'double'],
  ['float8', 'double'],
  ['float64', 'double'],
  ['double precision', 'double'],
  ['float4', 'real'],
  ['string', 'text'],
  ['varchar', 'text'],
  ['character varying', 'text'],
  ['char', 'text'],
  ['bool', 'boolean'],
  ['timestamp without time zone', 'timestamp'],
  ['datetime', 'timestamp'],
  ['timestamp with time zone', 'timestamptz'],
]);

function toColumnType(written: string): ColumnType | undefined {
  const name = written
    .toLowerCase()
    .replace(/\s*\([^)]*\)/, '')
    .trim();
  return TYPE_NAMES.get(name) ?? COLUMN_TYPES.find((type) => type === name);
}

function describeTable({ properties }: DbtProject, { entry, config }: DbtNode) {
  const description = descriptionOf(entry?.value ?? {}, properties);
  const tags = asTexts(config.tags);
  return {
    ...(description === undefined ? {} : { description }),
    ...(tags.length === 0 ? {} : { tags }),
  };
}

function describeColumns(
  entry: Record<string, unknown>,
  { properties }: DbtProject,
  seed: DbtNode,
): void {
  const columns = entry.columns as Record<string, unknown>;
  for (const one of asList(seed.entry?.value.columns).map(asMap)) {
    const name = columnOf(one);
    const text = descriptionOf(one, properties);
    if (name === undefined || text === undefined || !Object.hasOwn(columns, name)) continue;
    const declared = columns[name];
    const whole = typeof declared === 'object' ? declared : { type: declared };
    columns[name] = { ...whole, description: text };
  }
}
