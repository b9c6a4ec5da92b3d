/** CPU time of the threads of a process and of the server's processes, while a load runs. */
import { readFileSync } from 'node:fs';
import { readThreads, readTree, type ThreadEntry } from '../measure/processes.js';

const INTERVAL_MS = 50;

export interface ServerProcessUsage {
  readonly pid: number;
  readonly cpuSeconds: number;
}

export class CpuSampler {
  readonly #pid: number;
  readonly #postmaster: number;
  readonly #threads = new Map<number, ThreadEntry>();
  readonly #server = new Map<number, { readonly before: number; after: number }>();
  readonly #timer: NodeJS.Timeout;
  #readBytes = 0;
  #writtenBytes = 0;

  constructor(pid: number, postmaster: number) {
    this.#pid = pid;
    this.#postmaster = postmaster;
    // Sessions that are there already have computed for others.
    for (const { pid: id, cpuSeconds } of readTree([postmaster])) {
      this.#server.set(id, { before: cpuSeconds, after: cpuSeconds });
    }
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The busiest first, the main thread before all. */
  get threads(): readonly (ThreadEntry & { readonly isMain: boolean })[] {
    const cpu = ({ userSeconds, systemSeconds }: ThreadEntry) => userSeconds + systemSeconds;
    return [...this.#threads.values()]
      .map((thread) => ({ ...thread, isMain: thread.id === this.#pid }))
      .sort((a, b) => Number(b.isMain) - Number(a.isMain) || cpu(b) - cpu(a));
  }

  get serverProcesses(): readonly ServerProcessUsage[] {
    return [...this.#server]
      .map(([pid, { before, after }]) => ({ pid, cpuSeconds: after - before }))
      .sort((a, b) => b.cpuSeconds - a.cpuSeconds);
  }

  /** Through read and write calls of the client: files and, written, its sockets. */
  get bytes(): { readonly read: number; readonly written: number } {
    return { read: this.#readBytes, written: this.#writtenBytes };
  }

  #look(): void {
    for (const thread of readThreads(this.#pid)) this.#threads.set(thread.id, thread);
    for (const { pid, cpuSeconds } of readTree([this.#postmaster])) {
      const known = this.#server.get(pid);
      if (known === undefined) this.#server.set(pid, { before: 0, after: cpuSeconds });
      else known.after = cpuSeconds;
    }
    this.#lookAtBytes();
  }

  #lookAtBytes(): void {
    try {
      const text = readFileSync(`/proc/${this.#pid}/io`, 'utf8');
      this.#readBytes = Number(/^rchar: (\d+)/m.exec(text)?.[1] ?? 0);
      this.#writtenBytes = Number(/^wchar: (\d+)/m.exec(text)?.[1] ?? 0);
    } catch {
      // It has ended; what was seen last stands.
    }
  }
}
