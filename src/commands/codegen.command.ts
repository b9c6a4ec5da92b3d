/** `edp codegen`: writes files that are made from the model. */

import { EXIT } from '../base/errors.js';
import type { Target } from '../codegen/codegen-target.js';
import { type FileChange, planFiles } from '../codegen/plan-files.js';
import { readLock } from '../codegen/published.js';
import { TARGETS, type TargetName } from '../codegen/targets/all-targets.js';
import { writeChanges } from '../codegen/write-files.js';
import { resolveOptions } from '../options/resolve-options.js';
import { formatNumber, safeText } from '../terminal/output.js';
import { DEFAULT_OUT, OPTION_NAMES } from './codegen.help.js';
import type { Command } from './command.js';
import type { CodegenJson } from './json/codegen.schema.js';
import { listReaders } from './shared/list-readers.js';
import { readCatalogue } from './shared/read-catalogue.js';
import { secondsJson } from './shared/seconds-json.js';

export const command: Command = {
  async run({ given, project, output }) {
    const started = performance.now();
    const { compareFiles, out = DEFAULT_OUT } = resolveOptions(
      OPTION_NAMES,
      given,
      project.options,
    );
    const named = (given.targets ?? []) as readonly TargetName[];
    const names = named.length === 0 ? (Object.keys(TARGETS) as TargetName[]) : [...new Set(named)];
    const targets: readonly Target[] = names.map((name) => TARGETS[name]);
    const { directory } = project;
    const lock = await readLock(directory);
    const readers = targets.some(({ showsReaders }) => showsReaders === true)
      ? await listReaders(project)
      : undefined;
    const catalogue = readCatalogue(project, lock, readers);
    const { tables, others } = catalogue;
    const place = { directory, out };
    const { changes, unchanged } = await planFiles(place, targets, catalogue, lock);
    if (!compareFiles) await writeChanges(directory, changes);
    // A check is asked what differs: each file of it.
    const shown = compareFiles ? changes : changes.slice(0, SHOWN);
    for (const { path, kind } of shown)
      output.line(safeText(`${path}: ${(compareFiles ? CHECKED : WRITTEN)[kind]}`));
    if (changes.length > shown.length) output.line(`and ${changes.length - shown.length} more`);
    if (given.out !== undefined && targets.every(({ isAtRoot }) => isAtRoot)) {
      output.note(
        `--out changes nothing: files of ${names.join(', ')} stand at the root of the project`,
      );
    }
    for (const { table, why } of others) output.note(`${table} is left out: ${why}`);
    const state = compareFiles ? 'differ from the model' : 'written or removed';
    output.line(
      `${formatNumber(tables.length, 'table')}: ${formatNumber(changes.length, 'file')} ${state}, ${unchanged} unchanged`,
    );
    const result: CodegenJson = {
      command: 'codegen',
      ok: true,
      seconds: secondsJson((performance.now() - started) / 1000),
      targets: names,
      check: compareFiles,
      tables: tables.length,
      others: [...others],
      unchanged,
      changed: changes.map(({ path, kind }) => ({ path, kind })),
    };
    output.result(result);
    return compareFiles && changes.length > 0 ? EXIT.difference : EXIT.done;
  },
};

type Words = Readonly<Record<FileChange['kind'], string>>;
const WRITTEN: Words = { new: 'new', changed: 'changed', removed: 'removed' };
const CHECKED: Words = { new: 'is missing', changed: 'differs', removed: 'should be gone' };

/** So that a first run over a large model leaves something of the terminal. */
const SHOWN = 50;
