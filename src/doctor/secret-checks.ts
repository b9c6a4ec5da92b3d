/** Passwords and data that others may read. */
import { execFile } from 'node:child_process';
import { lstat, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { toShellWord } from '../base/shell-word.js';
import { PROJECT_FILE, readProjectText } from '../project/file.js';
import { withIncluded } from '../project/include.js';
import type { Place } from './context.js';
import { advice, type Check, command, type Found } from './finding.js';

const run = promisify(execFile);

/** `scheme://user:password@host`, but for a password that comes from the environment. */
const PASSWORD_IN_URL = /[a-z][a-z0-9+.-]*:\/\/[^\s:@/'"]*:(?!\$\{)[^\s@/'"]+@/i;

async function filesWithPassword(directory: string): Promise<string[]> {
  const file = path.join(directory, PROJECT_FILE);
  const text = await readProjectText(file).catch(() => undefined);
  if (text === undefined) return [];
  const texts = await withIncluded(file, text).catch(() => [{ name: PROJECT_FILE, text }]);
  return texts.filter((one) => PASSWORD_IN_URL.test(one.text)).map(({ name }) => name);
}

const readablePassword: Check<Place> = {
  name: 'readable-password',
  severities: ['warning'],
  looksAt: 'passwords in edp.yaml, and who may read the file',
  why: 'whoever can read the file can log in',
  mends: 'rights of the file, or the password in the environment',
  async look({ directory }) {
    const found: Found[] = [];
    for (const name of await filesWithPassword(directory)) {
      const file = path.join(directory, name);
      const { mode } = await stat(file);
      if ((mode & 0o044) === 0) continue;
      found.push({
        severity: 'warning',
        problem: `${name} has a password in it, and other users of this machine can read the file`,
        mend: [
          command(`chmod 600 ${toShellWord(name)}`),
          advice(`or write \${NAME} in its place, and give NAME in the environment`),
        ],
      });
    }
    return found;
  },
};

const trackedPassword: Check<Place> = {
  name: 'password-in-git',
  severities: ['warning'],
  looksAt: 'whether git keeps a file of the project that has a password in it',
  why: 'git keeps it for all who have the repository, also after it is removed from the file',
  mends: 'the password in the environment, and a new one',
  async look({ directory }) {
    const found: Found[] = [];
    for (const name of await filesWithPassword(directory)) {
      if (!(await git(directory, 'ls-files', '--error-unmatch', '--', name))) continue;
      found.push({
        severity: 'warning',
        problem: `${name} has a password in it, and git keeps the file`,
        mend: [
          advice(`write \${NAME} in its place, give NAME in the environment, change the password`),
          command(`git rm --cached ${toShellWord(name)}`),
        ],
      });
    }
    return found;
  },
};

const stateFolder: Check<Place> = {
  name: 'state-folder',
  severities: ['error', 'warning'],
  looksAt:
    'whether .edp, where the embedded server has its data, is a folder, and who may enter it',
  why: 'other users of this machine could read the data, or put something else in its place',
  mends: 'rights of the folder',
  async look({ directory }) {
    const folder = path.join(directory, '.edp');
    const found = await stat(folder).catch(() => undefined);
    const isThere = found !== undefined || (await lstat(folder).catch(() => undefined));
    if (isThere && found?.isDirectory() !== true) {
      return [
        {
          severity: 'error',
          problem: '.edp is not a folder, so edp can keep nothing there',
          mend: [command('mv .edp edp-before')],
        },
      ];
    }
    if (found === undefined || (found.mode & 0o077) === 0) return [];
    return [
      {
        severity: 'warning',
        problem: `other users of this machine can enter .edp (mode ${(found.mode & 0o777).toString(8)})`,
        mend: [command('chmod 700 .edp')],
      },
    ];
  },
};

const stateInGit: Check<Place> = {
  name: 'state-in-git',
  severities: ['warning'],
  looksAt: 'whether git ignores .edp',
  why: 'a database would be committed with the project',
  mends: 'a line in .gitignore',
  async look({ directory }) {
    const isThere = await stat(path.join(directory, '.edp')).catch(() => undefined);
    if (isThere === undefined || !(await git(directory, 'rev-parse', '--is-inside-work-tree'))) {
      return [];
    }
    if (await git(directory, 'check-ignore', '-q', '.edp/data')) return [];
    const ignored = await readFile(path.join(directory, '.gitignore'), 'utf8').catch(() => '');
    const newLine = ignored === '' || ignored.endsWith('\n') ? '' : '\\n';
    return [
      {
        severity: 'warning',
        problem: 'git does not ignore .edp',
        mend: [command(`printf '${newLine}.edp/\\n' >> .gitignore`)],
      },
    ];
  },
};

/** Whether git says yes; no where there is none. */
async function git(directory: string, ...args: readonly string[]): Promise<boolean> {
  return run('git', ['-C', directory, ...args], { timeout: 5000 }).then(
    () => true,
    () => false,
  );
}

export const SECRET_CHECKS: readonly Check<Place>[] = [
  readablePassword,
  trackedPassword,
  stateFolder,
  stateInGit,
];
