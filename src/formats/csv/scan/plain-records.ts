/**
 * Finds where records begin, for callers that need nothing else. WebAssembly skips plain records at
 * the speed of memory (assembly/plain-records.ts); the scanner reads all others. This continues
 * from the scanner's state and returns to it, so the result is what the scanner alone would find.
 */
import { compileAssembly } from '../../../base/assembly.js';
import { copyBytes } from '../../../base/shared-memory.js';
import type { RecordScanner, RecordSkipper } from '../../text/text-format.js';
import { BACKSLASH, type Dialect } from '../dialect.js';

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly BLOCK: { readonly value: number };
  prepare(quote: number, delimiter: number, odd: number, comment: number): void;
  pass(from: number, end: number, target: number): number;
  lineCount(): number;
}

/** Bytes per call; the assembly has room for as many. */
const BLOCK_BYTES = 64 * 1024;

/**
 * Bytes that the scanner reads behind an odd record: the more, the fewer were skipped before it.
 */
const MIN_WALK_BYTES = 2 * 1024;
const MAX_WALK_BYTES = 1024 * 1024;

/** Compiled once, for all files. */
let compiled: Promise<WebAssembly.Module> | undefined;

export class PlainRecords implements RecordSkipper {
  readonly #exports: Exports;
  readonly #block: Buffer;
  #walkBytes = MIN_WALK_BYTES;

  private constructor(exports: Exports) {
    this.#exports = exports;
    this.#block = Buffer.from(exports.memory.buffer, exports.BLOCK.value, BLOCK_BYTES);
  }

  /**
   * @returns undefined where one-byte quote and delimiter and an LF do not suffice to find records
   */
  static async prepare(dialect: Dialect): Promise<PlainRecords | undefined> {
    const { quote, delimiter, lineEnd, comment } = dialect;
    if (lineEnd !== 'lf' || delimiter.length !== 1) return undefined;
    compiled ??= compileAssembly('plain-records');
    const exports = new WebAssembly.Instance(await compiled, {}).exports as Exports;
    const code = (text: string) => (text === '' ? -1 : text.charCodeAt(0));
    const odd = dialect.escape === 'backslash' ? BACKSLASH : -1;
    exports.prepare(code(quote), code(delimiter), odd, code(comment));
    return new PlainRecords(exports);
  }

  /**
   * Moves a scanner on over plain records, unless it is in the middle of one.
   *
   * @param target stops at the first record start at or behind this offset
   * @returns the limit for the scanner's own scan: it stops at the next record start at or behind
   *   it
   */
  moveOn(scanner: RecordScanner, bytes: Buffer, end: number, target: number): number {
    const { pass, lineCount } = this.#exports;
    const start = scanner.nextRecord;
    if (!scanner.isBetweenRecords) return Math.min(target, start + 1);
    let at = start;
    while (at < target && at < end) {
      const length = Math.min(BLOCK_BYTES, end - at);
      copyBytes(bytes, at, this.#block, 0, length);
      const next = pass(0, length, Math.min(target - at, length + 1));
      if (next === 0) break;
      scanner.jump(at + next, lineCount());
      at += next;
    }
    const isPlain = at - start > this.#walkBytes || at >= target;
    this.#walkBytes = isPlain ? MIN_WALK_BYTES : Math.min(this.#walkBytes * 2, MAX_WALK_BYTES);
    return Math.min(target, at + this.#walkBytes);
  }
}
