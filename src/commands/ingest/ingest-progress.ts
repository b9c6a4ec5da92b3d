/**
 * How far a run is. On a terminal a bar that redraws its line; in a pipe a line per file, and one
 * every now and then so that a log shows life.
 */
import type { SingleBar } from 'cli-progress';
import type { RowCounts } from '../../ledger/counts.js';
import type { FileResult, IngestProgress } from '../../load/file-results.js';
import { makeBar } from '../../terminal/bar.js';
import {
  formatBytes,
  formatCount,
  formatSeconds,
  type Output,
  safeText,
} from '../../terminal/output.js';

const PLAIN_INTERVAL_MS = 10_000;

export function makeProgress(output: Output): IngestProgress & { stop(): void } {
  return output.isTerminal ? new BarProgress(output) : new PlainProgress(output);
}

export function describeFileResult({
  path,
  table,
  status,
  rows,
  loadId,
  reason,
}: FileResult): string {
  const name = safeText(path);
  if (status === 'skipped') return `${name}: skipped, ${safeText(reason ?? '')}`;
  const counts = [
    `${formatCount(rows.loaded)} loaded`,
    rows.rejected > 0 ? `${formatCount(rows.rejected)} rejected` : '',
    rows.duplicate > 0 ? `${formatCount(rows.duplicate)} duplicate` : '',
  ].filter(Boolean);
  if (status === 'failed') {
    return `${name}: failed${loadId === null ? '' : ` (load ${loadId}, ${counts.join(', ')} so far)`}: ${reason ?? ''}`;
  }
  const which = loadId === null ? 'dry run' : `load ${loadId}`;
  return `${name} → ${safeText(table)}: ${counts.join(', ')} (${which})`;
}

abstract class Counter implements IngestProgress {
  protected readonly output: Output;
  protected total = 0;
  protected bytes = 0;
  protected rows = 0;
  protected rejected = 0;
  protected startedAt = performance.now();

  constructor(output: Output) {
    this.output = output;
  }

  start(totalBytes: number): void {
    this.total = totalBytes;
    this.bytes = 0;
    this.rows = 0;
    this.rejected = 0;
    this.startedAt = performance.now();
  }

  advance(bytes: number, rows: RowCounts): void {
    this.bytes += bytes;
    this.rows += rows.read;
    this.rejected += rows.rejected;
  }

  protected get seconds(): number {
    return Math.max(0.001, (performance.now() - this.startedAt) / 1000);
  }

  protected get speed(): string {
    return `${formatCount(this.rows / this.seconds)} rows/s, ${formatBytes(this.bytes / this.seconds)}/s`;
  }

  abstract fileDone(result: FileResult): void;
  abstract note(text: string): void;
}

class BarProgress extends Counter {
  readonly #bar: SingleBar;

  constructor(output: Output) {
    super(output);
    this.#bar = makeBar(
      output,
      '{bar} {percentage}% | {rows} rows | {speed} | ETA {left}{rejects}',
    );
  }

  override start(totalBytes: number): void {
    super.start(totalBytes);
    this.#bar.start(Math.max(1, totalBytes), 0, this.#payload());
  }

  override advance(bytes: number, rows: RowCounts): void {
    super.advance(bytes, rows);
    this.#bar.update(Math.min(this.bytes, Math.max(1, this.total)), this.#payload());
  }

  #payload() {
    const left =
      this.bytes === 0
        ? '–'
        : formatSeconds((this.seconds * (this.total - this.bytes)) / this.bytes);
    const rejects = this.rejected === 0 ? '' : ` | ${formatCount(this.rejected)} rejected`;
    return { rows: formatCount(this.rows), speed: this.speed, left, rejects };
  }

  fileDone(): void {}

  note(text: string): void {
    this.#bar.stop();
    this.output.note(text);
    this.#bar.start(Math.max(1, this.total), this.bytes, this.#payload());
  }

  stop(): void {
    this.#bar.stop();
  }
}

class PlainProgress extends Counter {
  #timer: NodeJS.Timeout | undefined;

  override start(totalBytes: number): void {
    super.start(totalBytes);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      const percent = Math.floor((this.bytes / Math.max(1, this.total)) * 100);
      this.output.note(`${percent}%, ${formatCount(this.rows)} rows, ${this.speed}`);
    }, PLAIN_INTERVAL_MS);
    this.#timer.unref();
  }

  fileDone(result: FileResult): void {
    this.output.note(describeFileResult(result));
  }

  note(text: string): void {
    this.output.note(text);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
