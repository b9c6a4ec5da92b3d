/** `edp init`: writes a project to begin with. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { EdpError, EXIT } from '../base/errors.js';
import { packageFile } from '../base/package-files.js';
import { toShellWord } from '../base/shell-word.js';
import { resolveOptions } from '../options/resolve-options.js';
import { safeText } from '../terminal/output.js';
import type { Command } from './command.js';
import { OPTION_NAMES, PROJECTS } from './init.help.js';
import { writeNewFiles } from './shared/new-files.js';

const TEMPLATE = 'examples/warehouse/';
/** Shows the project to people, and is no part of it. */
const NOT_COPIED: ReadonlySet<string> = new Set(['demo.mjs']);

export const command: Command = {
  async run(invocation) {
    const { given, project, output } = invocation;
    const { fromDbt } = resolveOptions(OPTION_NAMES, given, project.options);
    const words = [given.project, given.directory].flatMap((one) =>
      one === undefined ? [] : [String(one)],
    );
    if (fromDbt !== undefined) {
      const { initFromDbt } = await import('./init-from-dbt.js');
      return initFromDbt(invocation, fromDbt, words);
    }
    const [name, directory = '.'] = words;
    assertProject(name);
    const files = await listFiles(packageFile(TEMPLATE));
    const copies = new Map(
      files.map((file) => [file, { copyOf: packageFile(`${TEMPLATE}${file}`) }]),
    );
    await writeNewFiles(directory, copies, 'name another directory: edp init warehouse NAME');
    for (const file of files) output.line(safeText(path.join(directory, file)));
    const inside = directory === '.' ? '' : `cd ${toShellWord(directory)} && `;
    output.line('');
    output.line(`next: ${inside}edp ingest 'data/*.csv' --on-conflict update && edp run`);
    output.result({ command: 'init', ok: true, directory, files });
    return EXIT.done;
  },
};

/** @throws EdpError `usage` */
function assertProject(name: string | undefined): void {
  if (PROJECTS.some((one) => one === name)) return;
  const message = name === undefined ? 'no project is named' : `"${name}" is no project`;
  throw new EdpError('usage', message, {
    hint: 'edp init warehouse [directory], or edp init --from-dbt FOLDER [directory]',
  });
}

/** Paths of all files below, with `/`. */
async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !NOT_COPIED.has(entry.name))
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .map((file) => file.split(path.sep).join('/'))
    .sort();
}
