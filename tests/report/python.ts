/** Python with pyarrow, in a folder for caches, where Python is. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const FOLDER = path.join(
  process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'),
  'edp-tests',
  'pyarrow',
);

/** @returns the program, or why there is none */
export function findPython(): { readonly program: string } | { readonly reason: string } {
  const program = path.join(FOLDER, 'bin', 'python');
  try {
    if (!existsSync(path.join(FOLDER, 'ready'))) {
      mkdirSync(path.dirname(FOLDER), { recursive: true });
      execFileSync('python3', ['-m', 'venv', FOLDER], { stdio: 'pipe' });
      execFileSync(program, ['-m', 'pip', 'install', '-q', 'pyarrow'], { stdio: 'pipe' });
      execFileSync('touch', [path.join(FOLDER, 'ready')]);
    }
    execFileSync(program, ['-c', 'import pyarrow.parquet'], { stdio: 'pipe' });
    return { program };
  } catch {
    return { reason: 'python3 with venv, or pyarrow from PyPI, is not there' };
  }
}
