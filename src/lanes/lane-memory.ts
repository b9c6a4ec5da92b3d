/**
 * One thread's instance of the byte lane's assembly, and its memory, which holds everything that it
 * works on: the window of the file, the plan, the rows to send.
 *
 * Files are read straight into this memory, and sockets are written straight from it. It has its
 * full size from the start: if it grew, all views of it would be detached.
 */
import {
  MAX_POWER,
  MEMORY_BYTES,
  MIN_POWER,
  OUTPUT_BYTES,
  OUTPUT_COUNT,
  OUTPUTS,
  POWERS,
  WINDOW,
  WINDOW_BYTES,
} from './assembly/layout.js';

const PAGE_BYTES = 65_536;

interface LaneExports {
  readonly memory: WebAssembly.Memory;
  /** See assembly/rows.ts; addresses, not offsets. */
  run(start: number, end: number, limit: number, isUtf8: boolean): number;
  clearReferences(): void;
  staticEnd(): number;
}

/**
 * Functions that the assembly calls for values that it does not write itself; see
 * assembly/corrected.ts.
 */
export interface LaneHost {
  writeField(number: number, text: number, length: number, record: number): number;
  writeTail(out: number, record: number): number;
}

export class LaneMemory {
  readonly exports: LaneExports;
  /** Set while the plan in memory needs one. */
  host: LaneHost | undefined;
  /** The whole memory. */
  readonly bytes: Buffer;
  /** The whole memory as 32-bit words. */
  readonly words: Uint32Array;
  /** Room for a part of the file, and for one more byte. */
  readonly window: Buffer;
  /**
   * Room for rows. They are used in turn: the socket reads one while the lane writes to another.
   */
  readonly outputs: readonly Buffer[];

  constructor(module: WebAssembly.Module) {
    const host: LaneHost = {
      writeField: (number, text, length, record) =>
        this.host!.writeField(number, text, length, record),
      writeTail: (out, record) => this.host!.writeTail(out, record),
    };
    this.exports = new WebAssembly.Instance(module, { corrected: host }).exports as LaneExports;
    const { memory } = this.exports;
    memory.grow(Math.ceil((MEMORY_BYTES - memory.buffer.byteLength) / PAGE_BYTES));
    this.bytes = Buffer.from(memory.buffer);
    this.words = new Uint32Array(memory.buffer);
    this.window = this.bytes.subarray(WINDOW, WINDOW + WINDOW_BYTES + 1);
    this.outputs = Array.from({ length: OUTPUT_COUNT }, (_, i) => {
      const start = OUTPUTS + i * OUTPUT_BYTES;
      return this.bytes.subarray(start, start + OUTPUT_BYTES);
    });
    for (let power = MIN_POWER; power <= MAX_POWER; power++) {
      const { high, low } = powerOfFive(power);
      const address = POWERS + (power - MIN_POWER) * 16;
      this.bytes.writeBigUInt64LE(high, address);
      this.bytes.writeBigUInt64LE(low, address + 8);
    }
  }

  holds(view: Buffer): boolean {
    return view.buffer === this.bytes.buffer;
  }
}

/**
 * The most significant 128 bits of a power of five, truncated; for a negative power those of its
 * reciprocal, as floats.ts expects. Source: the script of fast_float that makes its table.
 */
function powerOfFive(exponent: number): { high: bigint; low: bigint } {
  const power = 5n ** BigInt(Math.abs(exponent));
  const bits = bitLength(power);
  const precision = exponent < -27 ? 2n * bits + 128n : bits + 127n;
  const exact = exponent < 0 ? (1n << precision) / power + 1n : power;
  const excess = bitLength(exact) - 128n;
  const value = excess > 0n ? exact >> excess : exact << -excess;
  return { high: value >> 64n, low: value & 0xffff_ffff_ffff_ffffn };
}

function bitLength(value: bigint): bigint {
  return BigInt(value.toString(2).length);
}
