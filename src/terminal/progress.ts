/**
 * The progress of a command: a bar on a terminal, and a line at intervals in a pipe, so that a log
 * shows that the command is running.
 */
import type { SingleBar } from 'cli-progress';
import { formatCount, formatSeconds, type Output } from './output.js';

const PLAIN_INTERVAL_MS = 10_000;

export interface Progress {
  /**
   * Starts, or restarts for another step or pass.
   *
   * @param total amount of work in any unit; 0 if it is unknown
   * @param done amount that was done before
   */
  start(total: number, done?: number): void;
  /** @param done of the total, so far */
  update(done: number, total?: number): void;
  /** Prints a message for the user. */
  note(text: string): void;
  stop(): void;
}

/** The text beside the percentage and the remaining time. */
export interface ProgressText {
  /** The current step of a command with several steps. */
  readonly label?: string;
  readonly parts: readonly string[];
  /** On a terminal, at the end. */
  readonly last?: string;
}

/** @param describe called for each output, with the seconds since the start */
export async function makeProgress(
  output: Output,
  describe: (seconds: number) => ProgressText,
): Promise<Progress> {
  if (!output.isTerminal) return new PlainProgress(output, describe);
  // A pipe does not need the library.
  const { makeBar } = await import('./bar.js');
  return new BarProgress(output, describe, makeBar(output, '{bar} {percentage}% | {text}'));
}

/** The same for a command that shows it until `run` ends. */
export async function withProgress<T>(
  output: Output,
  describe: (seconds: number) => ProgressText,
  run: (progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = await makeProgress(output, describe);
  try {
    return await run(progress);
  } finally {
    progress.stop();
  }
}

/** `1,234 rows/s` */
export function formatRate(count: number, unit: string, seconds: number): string {
  return `${formatCount(count / seconds)} ${unit}/s`;
}

abstract class Counter implements Progress {
  protected readonly output: Output;
  protected readonly describe: (seconds: number) => ProgressText;
  protected total = 0;
  protected done = 0;
  #doneBefore = 0;
  #startedAt = performance.now();

  constructor(output: Output, describe: (seconds: number) => ProgressText) {
    this.output = output;
    this.describe = describe;
  }

  start(total: number, done = 0): void {
    this.total = total;
    this.done = done;
    this.#doneBefore = done;
    this.#startedAt = performance.now();
  }

  update(done: number, total = this.total): void {
    this.done = done;
    this.total = total;
  }

  /** Never 0, since it is divided by. */
  protected get seconds(): number {
    return Math.max(0.001, (performance.now() - this.#startedAt) / 1000);
  }

  protected get timeLeft(): string {
    const doneNow = this.done - this.#doneBefore;
    if (doneNow <= 0) return '–';
    return formatSeconds((this.seconds * Math.max(0, this.total - this.done)) / doneNow);
  }

  abstract note(text: string): void;
  abstract stop(): void;
}

class BarProgress extends Counter {
  readonly #bar: SingleBar;
  #isShown = false;

  constructor(output: Output, describe: (seconds: number) => ProgressText, bar: SingleBar) {
    super(output, describe);
    this.#bar = bar;
  }

  override start(total: number, done = 0): void {
    super.start(total, done);
    this.#bar.stop();
    this.#show();
  }

  override update(done: number, total?: number): void {
    super.update(done, total);
    if (!this.#isShown) return;
    this.#bar.setTotal(this.#length);
    this.#bar.update(this.#filled, { text: this.#text });
  }

  note(text: string): void {
    this.#bar.stop();
    this.output.note(text);
    if (this.#isShown) this.#show();
  }

  stop(): void {
    this.#isShown = false;
    this.#bar.stop();
  }

  #show(): void {
    this.#isShown = true;
    this.#bar.start(this.#length, this.#filled, { text: this.#text });
  }

  get #length(): number {
    return Math.max(1, this.total);
  }

  get #filled(): number {
    return Math.min(this.done, this.#length);
  }

  get #text(): string {
    const { label = '', parts, last = '' } = this.describe(this.seconds);
    const doing = [label, parts.join(' | ')].filter(Boolean).join(', ');
    return [doing, `ETA ${this.timeLeft}`, last].filter(Boolean).join(' | ');
  }
}

class PlainProgress extends Counter {
  #timer: NodeJS.Timeout | undefined;

  override start(total: number, done = 0): void {
    super.start(total, done);
    // A running timer continues: otherwise a sequence of short steps would print nothing.
    this.#timer ??= setInterval(() => this.output.note(this.#line), PLAIN_INTERVAL_MS).unref();
  }

  note(text: string): void {
    this.output.note(text);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  get #line(): string {
    const { label, parts } = this.describe(this.seconds);
    const percent =
      this.total > 0 ? `${Math.min(100, Math.floor((this.done / this.total) * 100))}%` : '';
    const line = [percent, ...parts].filter(Boolean).join(', ');
    return label === undefined ? line : `${label}: ${line}`;
  }
}
