/**
 * Processes from outside: who belongs to whom, how much memory they hold, how long they have computed.
 *
 * On Linux from /proc. Elsewhere `ps` gives the memory, and PSS and CPU time are left out.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';

/** USER_HZ, 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

export const HAS_PROC = os.platform() === 'linux';

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly rssBytes: number;
  /** Of the process itself. */
  readonly cpuSeconds: number;
  /** Of its children that have ended, and theirs. */
  readonly childrenCpuSeconds: number;
}

/** @returns undefined where the process has ended */
export function readProcess(pid: number | 'self'): ProcessEntry | undefined {
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return {
      pid: pid === 'self' ? process.pid : pid,
      parent: Number(stat[1]),
      rssBytes: Number(stat[21]) * PAGE_BYTES,
      cpuSeconds: (Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND,
      childrenCpuSeconds: (Number(stat[13]) + Number(stat[14])) / TICKS_PER_SECOND,
    };
  } catch {
    return undefined;
  }
}

/** Fields of a stat file from the third on; the second, the name, may hold anything. */
function parseStat(text: string): string[] {
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

export interface ThreadEntry {
  readonly id: number;
  readonly name: string;
  readonly userSeconds: number;
  readonly systemSeconds: number;
}

/** The threads of a process; none where it has ended. Linux only. */
export function readThreads(pid: number): ThreadEntry[] {
  const directory = `/proc/${pid}/task`;
  return listNumbers(directory).flatMap((id) => {
    try {
      const text = readFileSync(`${directory}/${id}/stat`, 'utf8');
      const stat = parseStat(text);
      return [
        {
          id,
          name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
          userSeconds: Number(stat[11]) / TICKS_PER_SECOND,
          systemSeconds: Number(stat[12]) / TICKS_PER_SECOND,
        },
      ];
    } catch {
      return [];
    }
  });
}

function listNumbers(directory: string): number[] {
  try {
    return readdirSync(directory).map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** The given processes that live, and all that descend from them. */
export function readTree(roots: readonly number[]): ProcessEntry[] {
  return HAS_CHILDREN_FILES ? walkTree(roots) : searchTree(roots);
}

/** Most kernels list the children of a thread, and few processes have to be looked at. */
const HAS_CHILDREN_FILES = existsSync(`/proc/self/task/${process.pid}/children`);

function walkTree(roots: readonly number[]): ProcessEntry[] {
  const found: ProcessEntry[] = [];
  const pids = [...roots];
  for (let pid = pids.pop(); pid !== undefined; pid = pids.pop()) {
    const entry = readProcess(pid);
    if (entry === undefined) continue;
    found.push(entry);
    for (const thread of listNumbers(`/proc/${pid}/task`)) {
      pids.push(...readNumbers(`/proc/${pid}/task/${thread}/children`));
    }
  }
  return found;
}

function readNumbers(file: string): number[] {
  try {
    return readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function searchTree(roots: readonly number[]): ProcessEntry[] {
  const all = HAS_PROC ? listNumbers('/proc').flatMap((pid) => readProcess(pid) ?? []) : readByPs();
  const members = new Set(roots);
  // Parents may come behind their children, so it takes as many passes as there are generations.
  for (let size = -1; size !== members.size; ) {
    size = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  return all.filter(({ pid }) => members.has(pid));
}

function readByPs(): ProcessEntry[] {
  return execFileSync('ps', ['-axo', 'pid=,ppid=,rss='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid, parent, rss]) => ({
      pid: pid!,
      parent: parent!,
      rssBytes: rss! * 1024,
      cpuSeconds: 0,
      childrenCpuSeconds: 0,
    }));
}

/** Its share of the memory it has: a page that three processes share counts a third. 0 where unknown. */
export function readPssBytes(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
