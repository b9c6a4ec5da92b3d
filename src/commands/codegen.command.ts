/** `edp codegen`: writes files that are made from the model. */

import { EXIT } from '../base/errors.js';
import { planSchemas } from '../codegen/plan-files.js';
import { readLock } from '../codegen/published.js';
import { TARGETS, type TargetName } from '../codegen/targets.js';
import { writeChanges } from '../codegen/write-files.js';
import { resolveOptions } from '../options/resolve-options.js';
import { formatNumber } from '../terminal/output.js';
import { OPTION_NAMES } from './codegen.help.js';
import type { Command } from './command.js';
import type { CodegenJson } from './json/codegen.schema.js';
import { readCatalogue } from './shared/read-catalogue.js';
import { secondsJson } from './shared/seconds-json.js';

export const command: Command = {
  async run({ given, project, output }) {
    const started = performance.now();
    const { compareFiles } = resolveOptions(OPTION_NAMES, given, project.options);
    const named = (given.targets ?? []) as readonly TargetName[];
    const targets =
      named.length === 0 ? (Object.keys(TARGETS) as TargetName[]) : [...new Set(named)];
    const { directory } = project;
    const { tables, others } = readCatalogue(project);
    const { changes, unchanged } = await planSchemas(directory, tables, await readLock(directory));
    if (!compareFiles) await writeChanges(directory, changes);
    for (const { path, kind } of changes.slice(0, SHOWN)) output.line(`${path}: ${kind}`);
    if (changes.length > SHOWN) output.line(`and ${changes.length - SHOWN} more`);
    for (const { table, why } of others) output.note(`${table} is left out: ${why}`);
    const state = compareFiles ? 'differ from the model' : 'written or removed';
    output.line(
      `${formatNumber(tables.length, 'table')}: ${formatNumber(changes.length, 'file')} ${state}, ${unchanged} unchanged`,
    );
    const result: CodegenJson = {
      command: 'codegen',
      ok: true,
      seconds: secondsJson((performance.now() - started) / 1000),
      targets,
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

/** So that a first run over a large model leaves something of the terminal. */
const SHOWN = 50;
