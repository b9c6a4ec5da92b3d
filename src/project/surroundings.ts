/** What stands around a command and was likely meant for edp, but means nothing to it. */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { nearest } from '../base/nearest.js';
import { environmentName, OPTIONS, type OptionName } from '../options/option-definitions.js';
import { PROJECT_FILE, readProjectText } from './file.js';
import type { SourceText } from './project-part.js';

const WRONG_NAMES = ['edp.yml', '.edp.yaml', '.edp.yml', 'edp.yaml.txt'] as const;
/** The folder of the embedded server. */
const SERVER_FOLDER = '.edp';
/** Names of the tests, and of the program itself. */
const OTHER_VARIABLES = ['EDP_FAILPOINTS', 'EDP_FAULT_LOG', 'EDP_EMBEDDED_LAUNCHER'];

/** A file or a variable that means nothing to edp. */
export interface UnusedPart {
  readonly message: string;
  readonly file?: string;
  readonly variable?: string;
}

/** @returns a warning for each file and variable */
export async function listUnused(
  directory: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string[]> {
  return (await listUnusedParts(directory, environment)).map(({ message }) => message);
}

export async function listUnusedParts(
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<UnusedPart[]> {
  const found = await Promise.all(WRONG_NAMES.map((name) => exists(path.join(directory, name))));
  const wrong = WRONG_NAMES.filter((_, i) => found[i]);
  const unknown = listUnknownVariables(environment);
  if (wrong.length === 0 && unknown.length === 0) return [];
  const texts = await readTexts(directory);
  return [
    ...wrong
      .filter((name) => texts.every((text) => text.name !== name))
      .map((file) => ({
        file,
        message: `${file} is not read: the file must be called ${PROJECT_FILE}`,
      })),
    ...unknown
      .filter(({ name }) => texts.every(({ text }) => !text.includes(name)))
      .map(({ name, message }) => ({ variable: name, message })),
  ];
}

/** What the project reads: none where it has no edp.yaml, which says itself what is wrong with it. */
async function readTexts(directory: string): Promise<readonly SourceText[]> {
  const file = path.join(directory, PROJECT_FILE);
  const text = await readProjectText(file).catch(() => undefined);
  if (text === undefined) return [];
  const { withIncluded } = await import('./include.js');
  return withIncluded(file, text).catch(() => [{ name: PROJECT_FILE, text }]);
}

function listUnknownVariables(
  environment: Readonly<Record<string, string | undefined>>,
): { readonly name: string; readonly message: string }[] {
  const known = (Object.keys(OPTIONS) as OptionName[]).map(environmentName);
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith('EDP_') && !known.includes(name) && !OTHER_VARIABLES.includes(name),
  );
  return unknown.map((name) => {
    const bare = (variable: string) => variable.replace('EDP_', '');
    const meant = nearest(bare(name), known.map(bare));
    const hint =
      meant === undefined ? 'docs/options.md lists its variables' : `did you mean EDP_${meant}?`;
    return { name, message: `${name} means nothing to edp; ${hint}` };
  });
}

/**
 * The nearest directory above that has loads or a project, for somebody who went into a folder of it.
 *
 * @returns undefined where the directory itself has an edp.yaml
 */
export async function findProjectAbove(
  directory: string,
): Promise<{ readonly directory: string; readonly has: string } | undefined> {
  if (await exists(path.join(directory, PROJECT_FILE))) return undefined;
  for (let above = path.dirname(directory); ; above = path.dirname(above)) {
    for (const has of [PROJECT_FILE, SERVER_FOLDER]) {
      if (await exists(path.join(above, has))) return { directory: above, has };
    }
    if (above === path.dirname(above)) return undefined;
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
