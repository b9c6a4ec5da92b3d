/**
 * The output of a command: text for people on stdout, or with `--json` exactly one JSON object on
 * stdout and everything else on stderr.
 */
import { once } from 'node:events';
import Table from 'cli-table3';
import { safeData, safeJson, safeLines, safeText } from '../base/safe-text.js';

export { safeJson, safeText };

/** @typeParam R type of the object that `--json` prints */
export class Output<R extends object = object> {
  readonly isJson: boolean;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  #hasEscaped = false;

  constructor(
    isJson: boolean,
    stdout: NodeJS.WriteStream = process.stdout,
    stderr: NodeJS.WriteStream = process.stderr,
  ) {
    this.isJson = isJson;
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  /** Whether stderr is a terminal, where a progress bar can redraw its line. */
  get isTerminal(): boolean {
    return this.#stderr.isTTY === true;
  }

  get progressStream(): NodeJS.WriteStream {
    return this.#stderr;
  }

  /** A line for people. With --json it goes to stderr. */
  line(text = ''): void {
    (this.isJson ? this.#stderr : this.#stdout).write(`${safeLines(text)}\n`);
  }

  warn(text: string): void {
    this.#stderr.write(`warning: ${safeLines(text)}\n`);
  }

  /** Something that is neither result nor warning, such as progress in a pipe. */
  note(text: string): void {
    this.#stderr.write(`${safeLines(text)}\n`);
  }

  table(head: readonly string[], rows: readonly (readonly unknown[])[]): void {
    this.line(formatTable(head, rows));
  }

  /** Prints the JSON object of a command with --json; without it, does nothing. */
  result(value: R): void {
    if (this.isJson) this.#stdout.write(`${safeJson(value)}\n`);
  }

  /**
   * Result bytes that are not text for people: a report, a CSV of rejects. Waits for the reader.
   *
   * They are written byte for byte, but not to a terminal, which would execute control characters:
   * there they are escaped, as `ls` does with names.
   */
  async write(chunk: string | Uint8Array): Promise<void> {
    const data = this.#stdout.isTTY === true ? this.#forTerminal(chunk) : chunk;
    if (!this.#stdout.write(data)) await once(this.#stdout, 'drain');
  }

  #forTerminal(chunk: string | Uint8Array): string {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    const safe = safeData(text);
    if (safe !== text && !this.#hasEscaped) {
      this.#hasEscaped = true;
      this.note('control characters are shown escaped here; redirect the output to get the bytes');
    }
    return safe;
  }
}

/** A table without frames: columns, a rule under the heads, numbers to the right. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly unknown[])[],
): string {
  const isNumeric = head.map(
    (_, i) => rows.length > 0 && rows.every((row) => /^[-\d.,% –]*$/.test(String(row[i] ?? ''))),
  );
  const table = new Table({
    head: [...head],
    colAligns: isNumeric.map((numeric) => (numeric ? 'right' : 'left')),
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  for (const row of rows) table.push(row.map((cell) => safeText(String(cell ?? ''))));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const INTEGER = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function formatCount(count: number): string {
  return INTEGER.format(count);
}

/** As `1,204 records`, `1 record`. */
export function formatNumber(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds) % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
