/** The machine that edp runs on. */
import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { toShellWord } from '../base/shell-word.js';
import type { Place } from './context.js';
import { advice, type Check, command, type Found, line, type Mend } from './finding.js';

const GB = 1e9;
const MB = 1e6;

/** The versions of package.json: the first of each even major. */
const OLDEST_NODE: Readonly<Record<number, number>> = { 20: 19, 22: 13 };

const nodeVersion: Check<Place> = {
  name: 'node-version',
  severities: ['error'],
  looksAt: 'the version of Node',
  why: 'edp is tested with Node 20.19 and later, 22.13 and later, and 24; others lack what it calls',
  mends: 'another Node',
  look({ machine }) {
    const [major = 0, minor = 0] = machine.nodeVersion.replace(/^v/, '').split('.').map(Number);
    const isKnown = major >= 24 || minor >= (OLDEST_NODE[major] ?? Number.POSITIVE_INFINITY);
    if (isKnown) return [];
    return [
      {
        severity: 'error',
        problem: `this is Node ${machine.nodeVersion}`,
        mend: [advice('install Node 20.19, 22.13, 24 or later')],
      },
    ];
  },
};

/**
 * The limit under which a load comes to its end (docs/performance.md): for the process, and for each worker. Without a
 * limit it takes more, since nothing asks Node to clear up.
 */
const BASE_BYTES = 110 * MB;
const WORKER_BYTES = 45 * MB;

const memory: Check<Place> = {
  name: 'memory',
  severities: ['warning'],
  looksAt: 'the memory that this process may use, and the workers of a load',
  why: 'the system ends a process that needs more than its limit, in the middle of a load',
  mends: 'fewer workers, or a higher limit',
  look({ machine, processCount }) {
    const needed = BASE_BYTES + processCount * WORKER_BYTES;
    if (needed <= machine.memoryBytes) return [];
    const fitting = Math.floor((machine.memoryBytes - BASE_BYTES) / WORKER_BYTES);
    const workers = Math.max(1, fitting);
    return [
      {
        severity: 'warning',
        problem: `${processCount} workers need about ${showMb(needed)}, and this process may use ${showMb(machine.memoryBytes)}`,
        mend: [
          line(`process-count: ${workers}`),
          advice('or raise the memory limit of the container'),
        ],
      },
    ];
  },
};

const showMb = (bytes: number) => `${Math.round(bytes / MB)} MB`;

const temporaryFolder: Check<Place> = {
  name: 'temporary-folder',
  severities: ['error'],
  looksAt: 'the folder for temporary files (TMPDIR)',
  why: 'edp cannot unpack files or make a socket where it cannot write',
  mends: 'another TMPDIR',
  async look() {
    const folder = os.tmpdir();
    if (await isWritable(folder)) return [];
    return [
      {
        severity: 'error',
        problem: `nothing can be written to ${folder}, the folder for temporary files`,
        mend: [command(process.env.TMPDIR === undefined ? `mkdir -p ${folder}` : 'unset TMPDIR')],
      },
    ];
  },
};

const projectFolder: Check<Place> = {
  name: 'project-folder',
  severities: ['warning'],
  looksAt: 'whether the project folder can be written to',
  why: 'reports, spooled files and the embedded server have their place there',
  mends: 'rights of the folder',
  async look({ directory }) {
    if (await isWritable(directory)) return [];
    return [
      {
        severity: 'warning',
        problem: `nothing can be written to ${directory}`,
        mend: [await openFolder(directory)],
      },
    ];
  },
};

/** Only its owner may change its rights, and the owner gets nothing from rights for others. */
async function openFolder(directory: string): Promise<Mend> {
  const { uid } = await stat(directory);
  const { uid: own, username } = os.userInfo();
  const folder = toShellWord(directory);
  return uid === own
    ? command(`chmod u+wx ${folder}`)
    : command(
        `chown ${toShellWord(username)} ${folder}`,
        `root; or run edp as user ${uid}, whose folder it is`,
      );
}

/** A file that can be written to is no folder. */
function isWritable(folder: string): Promise<boolean> {
  return access(path.join(folder, path.sep), constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}

const disk: Check<Place> = {
  name: 'disk-space',
  severities: ['error', 'warning'],
  looksAt:
    'free space and free inodes where the project, the embedded server and temporary files are',
  why: 'a full disk stops the server and ends loads; nothing is lost, and nothing goes on either',
  mends: 'space, or another place',
  async look({ directory }) {
    const folders = [directory, path.join(directory, '.edp'), '/var/lib/edp', os.tmpdir()];
    const seen = new Set<string>();
    const found: Found[] = [];
    for (const folder of folders) {
      const figures = await statfs(folder).catch(() => undefined);
      if (figures === undefined) continue;
      const { type, blocks, bavail, bsize, files, ffree } = figures;
      const disk = `${type} ${blocks} ${bavail} ${files} ${ffree}`;
      if (seen.has(disk)) continue;
      seen.add(disk);
      const problem = judgeDisk({ free: bavail * bsize, size: blocks * bsize, files, ffree });
      if (problem === undefined) continue;
      const [severity, what] = problem;
      found.push({
        severity,
        problem: `the disk of ${folder} has ${what}`,
        mend: [
          advice(
            `remove or move what is not needed: du -xhd1 ${toShellWord(folder)} | sort -h shows what takes the space`,
          ),
        ],
      });
    }
    return found;
  },
};

interface Figures {
  readonly free: number;
  readonly size: number;
  /** 0 where the file system does not count them. */
  readonly files: number;
  readonly ffree: number;
}

export function judgeDisk({
  free,
  size,
  files,
  ffree,
}: Figures): ['error' | 'warning', string] | undefined {
  const percent = size === 0 ? 100 : (free / size) * 100;
  const space = `${showMb(free)} left (${percent.toFixed(1)} %)`;
  if (free < 100 * MB) return ['error', space];
  if (files > 0 && ffree < 1000) return ['error', `${ffree} inodes left`];
  if (percent < 5 && free < 5 * GB) return ['warning', space];
  if (files > 0 && ffree / files < 0.02 && ffree < 100_000) {
    return ['warning', `${ffree} inodes left of ${files}`];
  }
  return undefined;
}

export const MACHINE_CHECKS: readonly Check<Place>[] = [
  nodeVersion,
  memory,
  temporaryFolder,
  projectFolder,
  disk,
];
