/**
 * The output of a command: text for people on stdout, or with `--json` exactly one JSON object on
 * stdout and everything else on stderr.
 */
import { once } from 'node:events';
import { tell } from '../base/happenings.js';
import { safeData, safeJson, safeLines, safeText } from '../base/safe-text.js';
import { type Colours, coloursOf } from './colours.js';
import { formatTable } from './table.js';

export { formatTable, safeJson, safeText };

/** What is shown in the last line of the terminal, and makes room for other lines. */
export interface LastLine {
  hide(): void;
  show(): void;
}

/** @typeParam R type of the object that `--json` prints */
export class Output<R extends object = object> {
  readonly isJson: boolean;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  readonly #colours: { readonly out: Colours; readonly err: Colours };
  #hasEscaped = false;
  #lastLine: LastLine | undefined;
  #failure: object | undefined;
  #hasResult = false;
  #isStderrLog = false;

  constructor(
    isJson: boolean,
    stdout: NodeJS.WriteStream = process.stdout,
    stderr: NodeJS.WriteStream = process.stderr,
  ) {
    this.isJson = isJson;
    this.#stdout = stdout;
    this.#stderr = stderr;
    // Who reads JSON may show the rest in a log.
    const ofStream = (stream: NodeJS.WriteStream) =>
      coloursOf(isJson ? {} : stream, isJson ? {} : undefined);
    this.#colours = { out: ofStream(stdout), err: ofStream(stderr) };
  }

  /** Whether stderr is a terminal, where a progress bar can redraw its line. */
  get isTerminal(): boolean {
    return this.#stderr.isTTY === true && !this.#isStderrLog;
  }

  /** From now on stderr belongs to a log that programs read: nothing for people is written there. */
  yieldStderr(): void {
    this.#isStderrLog = true;
  }

  get hasYieldedStderr(): boolean {
    return this.#isStderrLog;
  }

  /** Whether a terminal shows what goes to standard output, where bytes that are no text do harm. */
  get isShownOnTerminal(): boolean {
    return this.#stdout.isTTY === true;
  }

  get progressStream(): NodeJS.WriteStream {
    return this.#stderr;
  }

  /** Columns of the terminal that shows lines; undefined where no terminal does. */
  get width(): number | undefined {
    const { isTTY, columns } = this.isJson ? this.#stderr : this.#stdout;
    return isTTY === true && columns > 0 ? columns : undefined;
  }

  /** Keeps a line, such as a progress bar, below all others. Undefined when there is none any more. */
  set lastLine(line: LastLine | undefined) {
    this.#lastLine = line;
  }

  /** A line for people. With --json it goes to stderr. */
  line(text = ''): void {
    this.#write(this.isJson ? this.#stderr : this.#stdout, safeLines(text));
  }

  /** @param isPlain whether the text has neither a value of a record nor a secret */
  warn(text: string, { isPlain = false }: { readonly isPlain?: boolean } = {}): void {
    tell({ kind: 'said', level: 'warn', text, isPlain });
    this.#write(this.#stderr, `${this.#colours.err.yellow('warning:')} ${safeLines(text)}`);
  }

  /** What failed while the rest went on. What ends a command is thrown instead. */
  error(text: string): void {
    tell({ kind: 'said', level: 'error', text });
    this.#write(this.#stderr, `${this.#colours.err.red('error:')} ${safeLines(text)}`);
  }

  /** Something that is neither result nor warning, such as progress in a pipe. */
  note(text: string): void {
    tell({ kind: 'said', level: 'info', text });
    this.#write(this.#stderr, safeLines(text));
  }

  /** A note after the user has pressed Ctrl-C, which the terminal shows as ^C. */
  noteInterrupt(text: string): void {
    const isBesideIt = this.isTerminal && this.#lastLine === undefined;
    this.#write(this.#stderr, `${isBesideIt ? '\n' : ''}${this.#colours.err.yellow(text)}`);
  }

  /**
   * @param omissible columns to leave out where the terminal is narrow, the first of them first
   * @param whole columns with what people type, which is not shortened
   */
  table(
    head: readonly string[],
    rows: readonly (readonly unknown[])[],
    omissible: readonly string[] = [],
    whole: readonly string[] = [],
  ): void {
    const { out, err } = this.#colours;
    const { bold } = this.isJson ? err : out;
    // Cells are escaped by the table; its colours are not.
    this.#write(
      this.isJson ? this.#stderr : this.#stdout,
      formatTable(head, rows, { width: this.width, omissible, whole, emphasize: bold }),
    );
  }

  #write(stream: NodeJS.WriteStream, text: string): void {
    if (this.#isStderrLog && stream === this.#stderr) return;
    this.#lastLine?.hide();
    stream.write(`${text}\n`);
    this.#lastLine?.show();
  }

  /** Prints the JSON object of a command with --json; without it, does nothing. */
  result(value: R): void {
    if (!this.isJson) return;
    this.#hasResult = true;
    this.#stdout.write(`${safeJson({ ...value, ...this.#failure })}\n`);
  }

  /** Whether the JSON object is printed. */
  get hasResult(): boolean {
    return this.#hasResult;
  }

  /** From now on, the JSON object says so, too. */
  set failure(failure: object) {
    this.#failure = failure;
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
