/** The machine and the versions that figures belong to. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { REPOSITORY } from '../repository.js';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly system: string;
}

export function describeMachine(): Machine {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    system: describeSystem(),
  };
}

function describeSystem(): string {
  try {
    const release = readFileSync('/etc/os-release', 'utf8');
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(release)?.[1] ?? os.version();
  } catch {
    return os.version();
  }
}

/** What edp is made from; a commit that changes nothing of it makes no other edp. */
const SOURCES = ['src', 'sql', 'package-lock.json'];

/** Version and commit of a checkout; `+` where the working tree has changes that no commit has. */
export function describeEdp(directory = REPOSITORY): string {
  const manifest = JSON.parse(readFileSync(`${directory}/package.json`, 'utf8')) as {
    version: string;
  };
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: directory, encoding: 'utf8', stdio: 'pipe' }).trim();
    const isChanged = git('status', '--porcelain', '--untracked-files=no', '--', ...SOURCES) !== '';
    const commit = git('log', '-1', '--format=%h', '--abbrev=10', '--', ...SOURCES);
    return `${manifest.version} (commit ${commit}${isChanged ? '+' : ''})`;
  } catch {
    return manifest.version;
  }
}
