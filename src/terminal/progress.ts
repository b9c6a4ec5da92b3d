/**
 * The progress of a command: a bar on a terminal, and a line at intervals in a pipe, so that a log
 * shows that the command is running.
 */
import type { SingleBar } from 'cli-progress';
import { layOutBar } from './bar-line.js';
import { formatCount, formatSeconds, type LastLine, type Output } from './output.js';

const PLAIN_INTERVAL_MS = 10_000;
/** A rate is known after this time, or this part of the work. */
const MIN_SECONDS_FOR_RATE = 5;
const MIN_SHARE_FOR_RATE = 0.01;
/** Longer estimates say nothing. */
const MAX_SECONDS_LEFT = 100 * 3600;

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
  /** Takes work off that need not be done: it is part of `done`, and says nothing about the time left. */
  passOver(amount: number): void;
  /** Prints a message for the user. */
  note(text: string): void;
  stop(): void;
}

/** The text beside the percentage and the remaining time. */
export interface ProgressText {
  /** The current step of a command with several steps. */
  readonly label?: string;
  /** What was done. */
  readonly parts: readonly string[];
  /** How fast, the most telling first. */
  readonly rates?: readonly string[];
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
  return new BarProgress(output, describe, (layOut) => makeBar(output, layOut));
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

  passOver(amount: number): void {
    this.#doneBefore += amount;
    this.update(this.done + amount);
  }

  /** Never 0, since it is divided by. */
  protected get seconds(): number {
    return Math.max(0.001, (performance.now() - this.#startedAt) / 1000);
  }

  protected get timeLeft(): string {
    const doneNow = this.done - this.#doneBefore;
    const isKnown =
      this.seconds >= MIN_SECONDS_FOR_RATE || doneNow >= this.total * MIN_SHARE_FOR_RATE;
    if (doneNow <= 0 || !isKnown) return '–';
    const left = (this.seconds * Math.max(0, this.total - this.done)) / doneNow;
    return left < MAX_SECONDS_LEFT ? formatSeconds(left) : '–';
  }

  abstract note(text: string): void;
  abstract stop(): void;
}

class BarProgress extends Counter implements LastLine {
  readonly #bar: SingleBar;
  #isShown = false;
  readonly #restoreCursor = () => this.#bar.stop();

  constructor(
    output: Output,
    describe: (seconds: number) => ProgressText,
    make: (layOut: (columns: number) => string) => SingleBar,
  ) {
    super(output, describe);
    this.#bar = make((columns) => this.#layOut(columns));
  }

  override start(total: number, done = 0): void {
    super.start(total, done);
    if (!this.#isShown) process.on('exit', this.#restoreCursor);
    this.#isShown = true;
    this.output.lastLine = this;
    this.#bar.stop();
    this.show();
  }

  override update(done: number, total?: number): void {
    super.update(done, total);
    if (this.#isShown) this.#bar.update(this.done);
  }

  note(text: string): void {
    this.output.note(text);
  }

  stop(): void {
    this.#isShown = false;
    this.output.lastLine = undefined;
    process.off('exit', this.#restoreCursor);
    this.#bar.stop();
  }

  hide(): void {
    this.#bar.stop();
  }

  show(): void {
    if (this.#isShown) this.#bar.start(Math.max(1, this.total), this.done);
  }

  #layOut(columns: number): string {
    const { label = '', parts, rates = [], last = '' } = this.describe(this.seconds);
    const share = Math.min(1, Math.max(0, this.done / Math.max(1, this.total)));
    const timeLeft = this.timeLeft;
    return layOutBar({ share, label, counts: parts, rates, timeLeft, last }, columns);
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
    const { label, parts, rates = [] } = this.describe(this.seconds);
    const percent =
      this.total > 0 ? `${Math.min(100, Math.floor((this.done / this.total) * 100))}%` : '';
    const line = [percent, ...parts, ...rates].filter(Boolean).join(', ');
    return label === undefined ? line : `${label}: ${line}`;
  }
}
