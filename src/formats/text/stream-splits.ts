/** A file that is not plain text → splits of its text, cut while it is unpacked. */

import type { FileIdentity } from '../../source/file-identity.js';
import { cutText } from './cut-text.js';
import type { SourceProgress } from './decompress.js';
import type { FileSplit } from './file-split.js';
import type { Gap } from './ranges.js';
import { readText, type TextForm, type TextTail, withoutFooter } from './read-text.js';
import type { TextFormat } from './text-format.js';

/** Approximate size of all segments of a run together. */
const MAX_MEMORY_BYTES = 128 * 1024 * 1024;
const MIN_SEGMENT_BYTES = 1024;
/** Segments besides those that are being loaded: one ready, one being filled. */
const SEGMENTS_AHEAD = 2;

export interface StreamOptions {
  /** For messages. */
  readonly name: string;
  readonly form: TextForm;
  readonly gaps: readonly Gap[];
  /** Size of a split, as for plain files; here memory limits it as well. */
  readonly splitBytes: number;
  /** Length of the text, where it is known. */
  readonly textBytes: number | undefined;
  readonly processCount: number;
  readonly skipFooter: number;
  /** Receives the footer, once all splits were made. */
  takeTail?(tail: TextTail): void;
}

/** @throws EdpError `corrupt_file`, `not_csv`, and those of its source */
export async function* streamSplits(
  file: FileIdentity,
  format: TextFormat,
  { name, form, gaps, splitBytes, textBytes, processCount, skipFooter, takeTail }: StreamOptions,
): AsyncGenerator<FileSplit> {
  const count = processCount + SEGMENTS_AHEAD;
  const segmentBytes = Math.max(
    MIN_SEGMENT_BYTES,
    Math.floor(Math.min(splitBytes, MAX_MEMORY_BYTES / count, textBytes ?? splitBytes)),
  );
  const memory = new SegmentMemory(count);
  const progress: SourceProgress = { sourceBytes: 0 };
  const all = readText(file, name, form, progress);
  const text = withoutFooter(all, skipFooter, format.lineEnd, takeTail);
  const segments = cutText(text, {
    format,
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

/** Memory for a fixed number of segments, reused. */
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
