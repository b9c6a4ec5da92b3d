/** `edp init --from-dbt`: a dbt project → a project of edp. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { EdpError, EXIT } from '../base/errors.js';
import { toShellWord } from '../base/shell-word.js';
import type { DbtKind, Findings, NotTaken } from '../from-dbt/findings.js';
import { showPlace } from '../from-dbt/format-findings.js';
import { convertDbt, FINDINGS_FILE, type FromDbt } from '../from-dbt/from-dbt.js';
import { withInferencePool } from '../infer/infer-pool.js';
import { type Output, safeText } from '../terminal/output.js';
import type { Invocation } from './command.js';
import type { InitFromDbtJson } from './json/warehouse.schema.js';
import { type NewFile, writeNewFiles } from './shared/new-files.js';

/** @param words what stands behind the options: a directory, or nothing */
export async function initFromDbt(
  { output, signal }: Invocation,
  folder: string,
  words: readonly string[],
): Promise<number> {
  const [directory = '.', another] = words;
  if (another !== undefined) {
    throw new EdpError('usage', `"${another}" is one word too many`, {
      hint: 'edp init --from-dbt FOLDER [directory]',
    });
  }
  const inside = directory === '.' ? [] : [`cd ${toShellWord(directory)}`];
  const made = await withInferencePool(1, 0, (pool) =>
    convertDbt(folder, inside, { pool, signal }),
  );
  await assertOutside(folder, directory);
  const files = listFiles(made);
  await writeNewFiles(
    directory,
    files,
    `name another directory: edp init --from-dbt ${toShellWord(folder)} NAME`,
  );
  print(output, made, directory);
  output.result(toJson(made, directory, [...files.keys()]));
  return EXIT.done;
}

/** A dbt project stays as it is, and dbt would take what is written into it for its own. */
async function assertOutside(folder: string, directory: string): Promise<void> {
  const from = await realpath(folder);
  const inDbt = path.relative(from, await realPlace(path.resolve(directory)));
  if (inDbt === '..' || inDbt.startsWith(`..${path.sep}`) || path.isAbsolute(inDbt)) return;
  const place = inDbt === '' ? 'is the dbt project itself' : 'lies in the dbt project';
  throw new EdpError('usage', `the directory of the new project, ${directory}, ${place}`, {
    hint: `name one beside it: edp init --from-dbt ${toShellWord(folder)} ${toShellWord(`${from}-edp`)}`,
  });
}

/** Of a directory that need not be there. */
async function realPlace(directory: string): Promise<string> {
  return realpath(directory).catch(async () => {
    const parent = path.dirname(directory);
    return parent === directory
      ? directory
      : path.join(await realPlace(parent), path.basename(directory));
  });
}

function listFiles({ texts, copies }: FromDbt): Map<string, NewFile> {
  return new Map<string, NewFile>([
    ...[...texts].map(([file, text]) => [file, { text }] as const),
    ...[...copies].map(([file, copyOf]) => [file, { copyOf }] as const),
  ]);
}

/** More of a kind are in the file. */
const MAX_SHOWN = 40;

function print(output: Output, { findings, next }: FromDbt, directory: string): void {
  const { notTaken } = findings;
  output.table(['part', 'taken', 'not taken'], countKinds(findings));
  if (notTaken.length > 0) {
    output.line();
    for (const line of notTaken.slice(0, MAX_SHOWN).map(describe)) output.line(safeText(line));
    const more = notTaken.length - MAX_SHOWN;
    if (more > 0) output.line(`and ${more} more`);
  }
  output.line();
  output.line(`what became of each part: ${safeText(path.join(directory, FINDINGS_FILE))}`);
  if (next.tables.length > 0) {
    output.line(safeText(`these tables must be there: ${next.tables.join(', ')}`));
  }
  output.line(safeText(`next: ${next.commands.join(' && ')}`));
}

function describe({ kind, name, place, reason }: NotTaken): string {
  return `${showPlace(place)} ${kind} ${name}: ${reason}`.replace(/\s+/g, ' ');
}

function countKinds({ taken, notTaken }: Findings): string[][] {
  const kinds = new Set<DbtKind>([...taken, ...notTaken].map(({ kind }) => kind));
  const count = (list: readonly { readonly kind: DbtKind }[], kind: DbtKind) =>
    String(list.filter((one) => one.kind === kind).length);
  return [...kinds].map((kind) => [kind, count(taken, kind), count(notTaken, kind)]);
}

function toJson(
  { name, findings, next }: FromDbt,
  directory: string,
  files: readonly string[],
): InitFromDbtJson {
  return {
    command: 'init',
    ok: true,
    directory,
    files: [...files],
    left: [],
    fromDbt: {
      project: name,
      taken: findings.taken.map(({ place, note, ...rest }) => ({
        ...rest,
        ...place,
        note: note ?? null,
      })),
      notTaken: findings.notTaken.map(({ place, waiting, ...rest }) => ({
        ...rest,
        ...place,
        waiting: waiting ?? null,
      })),
      tables: next.tables,
      next: next.commands,
    },
  };
}
