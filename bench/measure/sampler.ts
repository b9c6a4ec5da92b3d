/**
 * Memory and CPU time of two groups of processes while a load runs: those of the contender, and the
 * server's. Peaks are of sums over a group at one moment, seen every {@link INTERVAL_MS}.
 *
 * Looking takes CPU time from those who are looked at, from all alike. PSS costs most, since the system
 * counts it page by page, and so is looked at less often.
 */
import { HAS_PROC, type ProcessEntry, readProcess, readPssBytes, readTree } from './processes.js';

const INTERVAL_MS = 200;
const LOOKS_PER_PSS = 5;

export interface GroupUsage {
  readonly peakRssBytes: number;
  /** undefined where the system does not tell. */
  readonly peakPssBytes: number | undefined;
  readonly cpuSeconds: number | undefined;
}

export class Sampler {
  readonly #postmaster: number;
  readonly #clients = new Set<number>();
  readonly #client = new Peaks();
  readonly #server = new Peaks();
  readonly #timer: NodeJS.Timeout;
  readonly #clientCpuBefore: number;
  #looks = 0;
  readonly #serverCpuBefore: number;

  /** Begins at once. @param postmaster process id of the server */
  constructor(postmaster: number) {
    this.#postmaster = postmaster;
    this.#clientCpuBefore = endedChildrenCpu();
    this.#serverCpuBefore = serverCpu(postmaster);
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS);
  }

  addClient(pid: number): void {
    this.#clients.add(pid);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Once the contender's processes have ended, which is when their CPU time is known. */
  usage(): { client: GroupUsage; server: GroupUsage } {
    return {
      client: this.#client.usage(endedChildrenCpu() - this.#clientCpuBefore),
      server: this.#server.usage(serverCpu(this.#postmaster) - this.#serverCpuBefore),
    };
  }

  #look(): void {
    const withPss = HAS_PROC && this.#looks++ % LOOKS_PER_PSS === 0;
    this.#client.see(readTree([...this.#clients]), withPss);
    this.#server.see(readTree([this.#postmaster]), withPss);
  }
}

class Peaks {
  #rssBytes = 0;
  #pssBytes = 0;

  see(processes: readonly ProcessEntry[], withPss: boolean): void {
    const rss = processes.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
    this.#rssBytes = Math.max(this.#rssBytes, rss);
    if (!withPss) return;
    const pss = processes.reduce((sum, { pid }) => sum + readPssBytes(pid), 0);
    this.#pssBytes = Math.max(this.#pssBytes, pss);
  }

  usage(cpuSeconds: number): GroupUsage {
    return {
      peakRssBytes: this.#rssBytes,
      peakPssBytes: HAS_PROC ? this.#pssBytes : undefined,
      cpuSeconds: HAS_PROC ? cpuSeconds : undefined,
    };
  }
}

/** CPU time of all processes that this one started and that have ended. */
function endedChildrenCpu(): number {
  return readProcess('self')?.childrenCpuSeconds ?? 0;
}

/** CPU time of the server since it started, of sessions that have ended, too. */
function serverCpu(postmaster: number): number {
  if (!HAS_PROC) return 0;
  const readEnded = () => readProcess(postmaster)?.childrenCpuSeconds ?? 0;
  for (;;) {
    const ended = readEnded();
    const alive = readTree([postmaster]).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    // A session that ended between the two looks would be in neither figure, or in both.
    if (readEnded() === ended) return ended + alive;
  }
}
