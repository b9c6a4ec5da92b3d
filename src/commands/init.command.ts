/** `edp init`: writes a project to begin with. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { EdpError, EXIT } from '../base/errors.js';
import { packageFile } from '../base/package-files.js';
import { toShellWord } from '../base/shell-word.js';
import { resolveOptions } from '../options/resolve-options.js';
import { safeText } from '../terminal/output.js';
import type { Command } from './command.js';
import { OPTION_NAMES, PROJECTS } from './init.help.js';
import { PROJECT_KINDS, type ProjectKind, type ProjectName } from './new-project/kinds.js';
import { type NewFile, writeNewFiles } from './shared/new-files.js';

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
    const [word, directory = '.'] = words;
    const name = readName(word);
    const { folder, steps }: ProjectKind = PROJECT_KINDS[name];
    const own = await listFiles(packageFile(folder));
    const { commonFiles } = await import('./new-project/common-files.js');
    const common = commonFiles(name, PROJECT_KINDS[name]);
    const left = [...common.keys()].filter((file) => existsSync(path.join(directory, file)));
    const files = new Map<string, NewFile>([
      ...own.map((file) => [file, { copyOf: packageFile(`${folder}${file}`) }] as const),
      ...[...common]
        .filter(([file]) => !left.includes(file))
        .map(([file, text]) => [file, { text }] as const),
    ]);
    await writeNewFiles(directory, files, `name another directory: edp init ${name} NAME`);
    for (const file of files.keys()) output.line(safeText(path.join(directory, file)));
    for (const file of left) {
      output.warn(
        `${safeText(path.join(directory, file))} is there already, and left alone${file === '.gitignore' ? '; it should have a line .edp/' : ''}`,
      );
    }
    const inside = directory === '.' ? [] : [`cd ${toShellWord(directory)}`];
    const next = steps.flatMap(({ target, commands }) => (NEXT.includes(target) ? commands : []));
    output.line('');
    output.line(`next: ${[...inside, ...next].join(' && ')}`);
    output.result({ command: 'init', ok: true, directory, files: [...files.keys()], left });
    return EXIT.done;
  },
};

/** The steps that are proposed; `make` does all. */
const NEXT: readonly string[] = ['data', 'load', 'run'];

/** @throws EdpError `usage` */
function readName(word: string | undefined): ProjectName {
  const name = PROJECTS.find((one) => one === word);
  if (name !== undefined) return name;
  const message = word === undefined ? 'no project is named' : `"${word}" is no project`;
  throw new EdpError('usage', message, {
    hint: `edp init ${PROJECTS.join('|')} [directory], or edp init --from-dbt FOLDER [directory]`,
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
