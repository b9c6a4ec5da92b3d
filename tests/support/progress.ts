/**
 * How far a run is, for a log: a line every now and then, since a file of tests is reported when all of it is
 * done, which may take minutes. On a terminal, vitest shows the same by itself.
 */
import path from 'node:path';
import type { Reporter, TestModule, TestSpecification } from 'vitest/node';

const INTERVAL_MS = 10_000;

export default class Progress implements Reporter {
  readonly #running = new Set<string>();
  #files = 0;
  #filesDone = 0;
  #testsDone = 0;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  onTestRunStart(files: readonly TestSpecification[]): void {
    if (process.stdout.isTTY) return;
    this.#files = files.length;
    this.#startedAt = performance.now();
    this.#timer = setInterval(() => this.#print(), INTERVAL_MS);
    this.#timer.unref();
  }

  onTestModuleStart(module: TestModule): void {
    this.#running.add(nameOf(module));
  }

  onTestCaseResult(): void {
    this.#testsDone++;
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(nameOf(module));
    this.#filesDone++;
  }

  onTestRunEnd(): void {
    clearInterval(this.#timer);
  }

  #print(): void {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    process.stdout.write(
      `${time}  ${this.#filesDone} of ${this.#files} files, ${this.#testsDone} tests; ` +
        `running ${[...this.#running].join(', ')}\n`,
    );
  }
}

function nameOf({ moduleId }: TestModule): string {
  return path.relative(path.join(import.meta.dirname, '..'), moduleId).replace('.test.ts', '');
}
