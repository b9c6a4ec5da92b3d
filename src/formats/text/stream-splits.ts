/** A file that is not plain text → splits of its text, made while it is unpacked. */

import type { PlannedSplit } from '../../load/dispatch.js';
import type { FileIdentity } from '../../load/messages.js';
import type { Dialect } from '../csv/dialect.js';
import type { Gap } from './cut-ranges.js';
import { cutText } from './cut-text.js';
import type { SourceProgress } from './decompress.js';
import { readText, type TextForm, withoutFooter } from './read-text.js';

/** All segments of a run together, about. */
const MAX_MEMORY_BYTES = 128 * 1024 * 1024;
const MIN_SEGMENT_BYTES = 1024;
/** Segments beside those that are being loaded: one ready, one being filled. */
const SEGMENTS_AHEAD = 2;

/** A split as it is before it is known of what load. */
export type StreamedSplit = Omit<PlannedSplit, 'load'>;

export interface StreamOptions {
  /** For messages. */
  readonly name: string;
  readonly form: TextForm;
  readonly gaps: readonly Gap[];
  /** Size of a split, as for plain files; here it is also bounded by memory. */
  readonly splitBytes: number;
  /** How long the text is, where that is known. */
  readonly textBytes: number | undefined;
  readonly processCount: number;
  readonly skipFooter: number;
}

/** @throws EdpError `corrupt_file`, `not_csv` */
export async function* streamSplits(
  file: FileIdentity,
  dialect: Dialect,
  { name, form, gaps, splitBytes, textBytes, processCount, skipFooter }: StreamOptions,
): AsyncGenerator<StreamedSplit> {
  const count = processCount + SEGMENTS_AHEAD;
  const segmentBytes = Math.max(
    MIN_SEGMENT_BYTES,
    Math.floor(Math.min(splitBytes, MAX_MEMORY_BYTES / count, textBytes ?? splitBytes)),
  );
  const memory = new SegmentMemory(count);
  const progress: SourceProgress = { sourceBytes: 0 };
  const all = readText(file.path, name, form, progress);
  const text = withoutFooter(all, skipFooter, dialect.recordEnd);
  const segments = cutText(text, {
    dialect,
    gaps,
    segmentBytes,
    takeBuffer: (size) => memory.take(size),
  });
  let sourceBytes = 0;
  for await (const segment of segments) {
    const { start, end, firstLine, bytes } = segment;
    const read = progress.sourceBytes - sourceBytes;
    sourceBytes += read;
    yield {
      range: { from: start, until: end, isExact: true },
      firstLine,
      segment,
      sourceBytes: read,
      release: () => memory.give(bytes),
    };
  }
}

/** Memory for so many segments, used over and over. */
class SegmentMemory {
  #left: number;
  readonly #spare: SharedArrayBuffer[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#left = count;
  }

  async take(size: number): Promise<SharedArrayBuffer> {
    while (this.#left === 0) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#left--;
    const spare = this.#spare.pop();
    return spare !== undefined && spare.byteLength === size ? spare : new SharedArrayBuffer(size);
  }

  give(bytes: SharedArrayBuffer): void {
    this.#left++;
    this.#spare.push(bytes);
    this.#waiting.shift()?.();
  }
}
