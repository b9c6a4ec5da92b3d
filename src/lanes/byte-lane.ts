/**
 * The fast lane: bytes of records in, bytes of COPY rows out. The lane itself is in assembly/,
 * starting with rows.ts; this file puts a plan into its memory, hands it windows, and takes its
 * rows.
 *
 * What breaks if you change it:
 * - One lane at a time works in a thread's memory: compiling another takes the memory over.
 * - Rows are handed out as views of that memory. The lane does not write there until `recycle`
 *   gives them back. Small rows, which a sink may never give back, are copies.
 */
import type { RecordForm } from '../formats/open-format.js';
import type { RemarkTally } from '../ledger/remarks.js';
import type { TablePlan } from '../mapping/table-plan.js';
import {
  COLUMN_COUNT,
  HAS_ORDINALS,
  LINE,
  LINES,
  LOAD_ID,
  MAX_PLACES,
  MAX_ROWS,
  MAX_VALUES,
  NEXT,
  NEXT_ORDINAL,
  OUT,
  OUT_END,
  OUT_START,
  OUTPUT_BYTES,
  RECORD_ENDS,
  RECORD_STARTS,
  REFERENCE_BYTES,
  REFERENCE_COUNT,
  REFERENCE_USED,
  REFERENCE_VALUES,
  REFERENCE_VALUES_BYTES,
  REFERENCES,
  ROW_BYTES,
  ROW_COUNT,
  ROW_ENDS,
  SLACK,
  SMALL_VALUES,
  STATE,
  STATE_WORDS,
  WINDOW,
} from './assembly/layout.js';
import { CorrectedFields } from './corrected-fields.js';
import type { LaneMemory } from './lane-memory.js';
import { OtherMembers } from './member-plan.js';
import { type PlacedPlan, placePlan } from './plan-memory.js';
import type { ReferenceValues } from './reference-values.js';

export {
  STOPPED_AT_LIMIT,
  STOPPED_AT_RECORD,
  STOPPED_FULL,
  STOPPED_INCOMPLETE,
} from './assembly/layout.js';

/** The largest value other than text, including its length. */
const MAX_FIELD_BYTES = 20;

/** With fewer bytes than this, rows are copied instead of using up an output. */
const MAX_COPIED_BYTES = 128 * 1024;

/**
 * Places of the records that the latest rows came from, in order. Offsets are into the window, and
 * into the output.
 */
export interface RowPlaces {
  readonly count: number;
  readonly recordStart: Uint32Array;
  /** Without the line end. */
  readonly recordEnd: Uint32Array;
  readonly line: Uint32Array;
  readonly rowEnd: Uint32Array;
}

export interface ByteLaneOptions {
  readonly loadId: number;
  /** Whether each row begins with its ordinal, which the careful way needs. */
  readonly withOrdinals: boolean;
  /** `run` stops after writing this many rows. */
  readonly maxRows: number;
  /** Counts the corrections that acted. */
  readonly remarkTally: RemarkTally;
}

export class ByteLane {
  readonly places: RowPlaces;
  /** Whether `run` must know if a window is valid UTF-8. */
  readonly needsUtf8: boolean;
  readonly #memory: LaneMemory;
  readonly #state: Uint32Array;
  readonly #references: readonly NotedValues[];
  readonly #free: Buffer[];
  #corrected: CorrectedFields | undefined;
  #others: OtherMembers | undefined;
  #output: Buffer;

  private constructor(memory: LaneMemory, { hasText, references }: PlacedPlan) {
    this.#memory = memory;
    this.#state = memory.words.subarray(STATE / 4, STATE / 4 + STATE_WORDS);
    this.needsUtf8 = hasText;
    this.places = new PlacesInMemory(memory, this.#state);
    memory.exports.clearReferences();
    this.#references = references.map((values, i) => new NotedValues(memory, i, values));
    this.#free = memory.outputs.slice(1);
    this.#output = memory.outputs[0]!;
    this.#beginOutput();
  }

  /**
   * @param references by column name; collect the values that the rows refer to
   * @returns undefined where the plan or the form has something that the lane cannot handle at all
   */
  static compile(
    memory: LaneMemory,
    plan: TablePlan,
    form: RecordForm,
    references: ReadonlyMap<string, ReferenceValues>,
    { loadId, withOrdinals, maxRows, remarkTally }: ByteLaneOptions,
  ): ByteLane | undefined {
    const placed = placePlan(memory, plan, form, references);
    if (placed === undefined) return undefined;
    const lane = new ByteLane(memory, placed);
    const state = lane.#state;
    if (withOrdinals) state[COLUMN_COUNT]!++;
    state[HAS_ORDINALS] = withOrdinals ? 1 : 0;
    state[ROW_BYTES] = 2 + (state[COLUMN_COUNT]! + 1) * MAX_FIELD_BYTES + placed.growth;
    if (placed.isCorrected) {
      lane.#corrected = new CorrectedFields(memory, plan, references, remarkTally, withOrdinals);
    }
    // In the careful way, counts may be taken back; so there the lane leaves such records.
    if (plan.others !== undefined && !withOrdinals) {
      lane.#others = new OtherMembers(memory, placed.keys, plan.others.fate, remarkTally);
    }
    state[MAX_ROWS] = Math.min(maxRows, MAX_PLACES);
    state[LINE] = 0;
    state[NEXT_ORDINAL] = 0;
    memory.bytes.writeBigInt64BE(BigInt(loadId), STATE + 4 * LOAD_ID);
    return lane;
  }

  /**
   * Takes records with these keys from now on, where other keys are counted.
   *
   * @param keys name → key of the counts, in the order in which the names were met
   */
  learn(keys: ReadonlyMap<string, string>): void {
    this.#others?.learn(keys);
  }

  /** Whether `run` can take records from this window. */
  canRead(window: Buffer): boolean {
    return this.#memory.holds(window);
  }

  /** Offset in the window of the first record not taken. */
  get next(): number {
    return this.#state[NEXT]! - WINDOW;
  }

  /** Line ends seen since the caller last set this number. */
  get line(): number {
    return this.#state[LINE]!;
  }
  set line(line: number) {
    this.#state[LINE] = line;
  }

  /** Ordinal of the next row, where rows are numbered. */
  get nextOrdinal(): number {
    return this.#state[NEXT_ORDINAL]!;
  }
  set nextOrdinal(ordinal: number) {
    this.#state[NEXT_ORDINAL] = ordinal;
  }

  /** Bytes of rows that are written and not taken yet. */
  get length(): number {
    return this.#state[OUT]! - this.#state[OUT_START]!;
  }

  /**
   * Takes records from `from` on, until one starts at or after `limit`.
   *
   * @param window of the file, filled up to `end`; the byte behind is overwritten
   * @param isUtf8 whether the window is known to be valid UTF-8
   * @returns why it stopped; `next` is the first record that was not taken
   */
  run(window: Buffer, from: number, end: number, limit: number, isUtf8: boolean): number {
    const base = window.byteOffset;
    // A limit far beyond the end does not fit an address.
    const nearLimit = Math.min(limit, end + 1);
    const reason = this.#memory.exports.run(base + from, base + end, base + nearLimit, isUtf8);
    this.#corrected?.endRun(this.#state[NEXT]!);
    return reason;
  }

  /**
   * Takes the rows written so far, and notes the values they refer to. The lane continues in
   * another output if one is free; otherwise the rows are copied, and it continues in the same one.
   */
  takeRows(): Buffer {
    this.#others?.count();
    for (const values of this.#references) values.read();
    if (this.#references.some((values) => values.isNearlyFull)) {
      this.#memory.exports.clearReferences();
      for (const values of this.#references) values.restart();
    }
    const rows = this.#output.subarray(0, this.length);
    const next = rows.length > MAX_COPIED_BYTES ? this.#free.pop() : undefined;
    this.#output = next ?? this.#output;
    this.#beginOutput();
    return next === undefined ? Buffer.from(rows) : rows;
  }

  /** Gives back rows that were taken and are no longer read. */
  recycle(rows: Buffer): void {
    const output = this.#memory.outputs.find(
      ({ buffer, byteOffset }) => buffer === rows.buffer && byteOffset === rows.byteOffset,
    );
    if (output !== undefined) this.#free.push(output);
  }

  #beginOutput(): void {
    const address = this.#output.byteOffset;
    this.#state[OUT] = address;
    this.#state[OUT_START] = address;
    this.#state[OUT_END] = address + OUTPUT_BYTES - SLACK;
    this.#state[ROW_COUNT] = 0;
  }
}

class PlacesInMemory implements RowPlaces {
  readonly recordStart: Uint32Array;
  readonly recordEnd: Uint32Array;
  readonly line: Uint32Array;
  readonly rowEnd: Uint32Array;
  readonly #state: Uint32Array;

  constructor({ words }: LaneMemory, state: Uint32Array) {
    const wordsAt = (address: number) => words.subarray(address / 4, address / 4 + MAX_PLACES);
    this.recordStart = wordsAt(RECORD_STARTS);
    this.recordEnd = wordsAt(RECORD_ENDS);
    this.line = wordsAt(LINES);
    this.rowEnd = wordsAt(ROW_ENDS);
    this.#state = state;
  }

  get count(): number {
    return this.#state[ROW_COUNT]!;
  }
}

/** The values of one reference, as the lane collects them in its memory. */
class NotedValues {
  readonly #bytes: Buffer;
  readonly #words: Uint32Array;
  readonly #small: Uint32Array;
  readonly #values: ReferenceValues;
  /** Bytes of values that earlier calls have read. */
  #read = 0;

  constructor({ bytes, words }: LaneMemory, index: number, values: ReferenceValues) {
    const address = REFERENCES + index * REFERENCE_BYTES;
    this.#bytes = bytes.subarray(address, address + REFERENCE_BYTES);
    this.#words = words.subarray(address / 4, (address + REFERENCE_BYTES) / 4);
    this.#small = this.#words.subarray(0, SMALL_VALUES / 32);
    this.#values = values;
    this.#small.fill(0);
  }

  /** Hands over the values noted since the last call. */
  read(): void {
    if (!this.#values.isText) {
      this.#values.addSmall(this.#small);
      this.#small.fill(0);
    }
    const end = this.#words[REFERENCE_USED / 4]!;
    while (this.#read < end) {
      const at = REFERENCE_VALUES + this.#read;
      if (this.#values.isText) {
        const length = this.#bytes.readUInt32LE(at);
        this.#values.add(this.#bytes.toString('utf8', at + 4, at + 4 + length));
        this.#read += 4 + length;
      } else {
        this.#values.add(String(this.#bytes.readBigInt64LE(at)));
        this.#read += 8;
      }
    }
  }

  get isNearlyFull(): boolean {
    return (
      this.#words[REFERENCE_COUNT / 4]! > MAX_VALUES / 2 || this.#read > REFERENCE_VALUES_BYTES / 2
    );
  }

  restart(): void {
    this.#read = 0;
  }
}
