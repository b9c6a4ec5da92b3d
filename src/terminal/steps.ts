/**
 * How far a command is that goes step by step. On a terminal a bar that redraws its line; in a pipe a
 * line every now and then, so that a log shows life.
 */
import type { SingleBar } from 'cli-progress';
import { makeBar } from './bar.js';
import type { Output } from './output.js';

const PLAIN_INTERVAL_MS = 10_000;

export interface StepProgress {
  /** @param total what there is to do, in any unit; 0 where nobody knows */
  step(name: string, total: number): void;
  /** @param text how much came of it so far */
  advance(done: number, text: string): void;
  stop(): void;
}

export function makeStepProgress(output: Output): StepProgress {
  return output.isTerminal ? new BarSteps(output) : new PlainSteps(output);
}

class BarSteps implements StepProgress {
  readonly #bar: SingleBar;
  #total = 1;
  #done = 0;

  constructor(output: Output) {
    this.#bar = makeBar(output, '{bar} {percentage}% | {name}{text} | ETA {eta_formatted}');
  }

  step(name: string, total: number): void {
    this.#bar.stop();
    this.#done = 0;
    this.#total = Math.max(1, total);
    this.#bar.start(this.#total, 0, { name, text: '' });
  }

  advance(done: number, text: string): void {
    this.#done += done;
    this.#bar.update(Math.min(this.#done, this.#total), { text: `, ${text}` });
  }

  stop(): void {
    this.#bar.stop();
  }
}

class PlainSteps implements StepProgress {
  readonly #timer: NodeJS.Timeout;
  #name = '';
  #text = '';
  #total = 0;
  #done = 0;

  constructor(output: Output) {
    this.#timer = setInterval(() => {
      const percent =
        this.#total > 0 ? ` ${Math.min(100, Math.floor((this.#done / this.#total) * 100))}%` : '';
      output.note(`${this.#name}:${percent}${this.#text === '' ? '' : `, ${this.#text}`}`);
    }, PLAIN_INTERVAL_MS);
    this.#timer.unref();
  }

  step(name: string, total: number): void {
    this.#name = name;
    this.#text = '';
    this.#total = total;
    this.#done = 0;
  }

  advance(done: number, text: string): void {
    this.#done += done;
    this.#text = text;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
