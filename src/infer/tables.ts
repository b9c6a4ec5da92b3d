/** Files of any number of tables → what edp.yaml would declare for them. */
import { EdpError } from '../errors.js';
import type { InputFile } from '../ingest/plan/discover.js';
import type { CsvSettings } from '../model/csv.js';
import { identifier } from '../model/schema.js';
import { type InferenceProgress, inferTable } from './infer.js';
import { nameTable } from './names.js';
import type { InferencePool } from './pool.js';
import { type Proposal, propose } from './propose.js';

export interface InferenceOptions {
  /** One table for all files; else each goes by its file's name, and those of one name together. */
  readonly table: string | undefined;
  /** What holds for the form of the files, and what of it was said for them. */
  readonly settings: CsvSettings;
  readonly told: CsvSettings;
}

/** @throws EdpError `usage`, `not_csv`, `io`, `file_changed`, `interrupted` */
export async function proposeTables(
  files: readonly InputFile[],
  { table, settings, told }: InferenceOptions,
  pool: InferencePool,
  progress: InferenceProgress,
  signal: AbortSignal,
): Promise<Proposal[]> {
  if (table !== undefined) assertName(table);
  const groups = new Map<string, InputFile[]>();
  for (const file of files) {
    const name = table ?? nameTable(file.name);
    groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  const proposals: Proposal[] = [];
  for (const [name, group] of groups) {
    proposals.push(propose(await inferTable(name, group, settings, pool, progress, signal), told));
  }
  return proposals;
}

function assertName(table: string): void {
  const { error } = identifier.safeParse(table);
  if (error === undefined) return;
  throw new EdpError('usage', `--table: ${error.issues.map(({ message }) => message).join('; ')}`, {
    hint: 'take a name such as sales',
  });
}
