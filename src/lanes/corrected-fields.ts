/**
 * Values that the byte lane does not write itself: those of columns that declare corrections, and
 * those that are constant or computed. The lane calls the host for each (assembly/corrected.ts),
 * and the code of the csv lane writes it into the lane's memory. So both lanes give the same
 * values, and a table that declares nothing pays nothing.
 *
 * What breaks if you change it:
 * - A record counts (its corrections, and what it refers to) only once it is taken. The lane leaves
 *   a record by stopping in front of it. So what is noted for the current record waits for the next
 *   one, or for the end of the run.
 * - In the careful way, a row may turn out not to be loaded; then its counts are taken back. For
 *   rows that the lane writes, nothing remembers which correction acted. So there the lane leaves
 *   each record on which one acted, except those that act on all records alike (`laneRemarks`).
 */

import { correctionKey, NO_REMARKS, type RemarkTally, type RowRemarks } from '../ledger/remarks.js';
import type { ColumnPlan, TablePlan } from '../mapping/table-plan.js';
import { RowWriter } from '../values/copy-binary.js';
import { writeValue } from '../values/value-writers.js';
import { OUT_END, STATE } from './assembly/layout.js';
import { ColumnEncoder } from './column-encoder.js';
import type { LaneMemory } from './lane-memory.js';
import type { ReferenceValues } from './reference-values.js';
import { addReference } from './reference-values.js';

/** Bytes that a value may be longer than its text, not counting its declared texts. */
const MAX_GROWTH = 256;

/** Bytes that may follow the tail in its row. */
const TAIL_RESERVE = 64;

const LEFT = -1;

type FieldColumn = Extract<ColumnPlan, { from: 'field' }>;

/** Header indexes of the fields that the lane hands over, in the order of their numbers. */
export function correctedFields({ columns }: TablePlan): number[] {
  const fields = new Set<number>();
  for (const column of columns) {
    if (column.from === 'field' && column.corrections !== undefined) fields.add(column.field);
    if (column.from === 'computed' || column.from === 'kept') {
      for (const field of Object.values(column.fields)) fields.add(field);
    }
  }
  return [...fields].sort((a, b) => a - b);
}

function isTail({ from }: ColumnPlan): boolean {
  return from === 'constant' || from === 'computed' || from === 'kept';
}

/** Whether values that are in no field follow those of the fields. */
export function hasTail({ columns }: TablePlan): boolean {
  return columns.some(isTail);
}

/** The remarks counted for every row that the byte lane writes. */
export function laneRemarks({ columns }: TablePlan): RowRemarks {
  const corrections = columns.flatMap((column) => {
    if (column.from === 'computed') return [correctionKey(column.name, 'computed')];
    if (column.from !== 'constant') return [];
    return [correctionKey(column.name, column.isDefault ? 'default' : 'constant')];
  });
  return corrections.length === 0 ? NO_REMARKS : { unknownMetrics: [], corrections };
}

/** Bytes by which the values of a plan may be longer than their texts, in total. */
export function correctedGrowth(plan: TablePlan): number {
  const fields = new Set(correctedFields(plan));
  const isWrittenHere = (column: ColumnPlan) =>
    isTail(column) || (column.from === 'field' && fields.has(column.field));
  return plan.columns.filter(isWrittenHere).reduce((sum, column) => sum + growthOf(column), 0);
}

function growthOf(column: ColumnPlan): number {
  if (column.from === 'constant') return MAX_GROWTH + column.text.length;
  if (column.from !== 'field' && column.from !== 'computed') return 0;
  const { values = {}, default: filled = '' } = column.corrections ?? {};
  const declared = [...Object.keys(values), filled].map((text) => Buffer.byteLength(text));
  return MAX_GROWTH + Math.max(...declared);
}

/** A column filled from a field, and how its value is written. */
interface FieldWriter {
  readonly column: FieldColumn;
  /** Undefined where the field is handed over only because an expression reads it. */
  readonly encoder: ColumnEncoder | undefined;
  readonly reference: ReferenceValues | undefined;
}

interface CorrectedField {
  readonly index: number;
  readonly columns: readonly FieldWriter[];
  readonly growth: number;
}

export class CorrectedFields {
  readonly #memory: LaneMemory;
  readonly #tally: RemarkTally;
  readonly #fields: readonly CorrectedField[];
  readonly #tail: readonly ColumnEncoder[];
  /** Corrections that may act on a record of the careful way without making the lane leave it. */
  readonly #always: ReadonlySet<string> | undefined;
  readonly #writer = new RowWriter();
  /** Texts of the current record's fields that are handed over, by index in the header. */
  readonly #texts: (string | null)[];
  #record = 0;
  #noted: string[] = [];
  #referred: [ReferenceValues, string][] = [];

  /** @param isCareful whether a written row may turn out not to be loaded */
  constructor(
    memory: LaneMemory,
    plan: TablePlan,
    references: ReadonlyMap<string, ReferenceValues>,
    tally: RemarkTally,
    isCareful: boolean,
  ) {
    this.#memory = memory;
    this.#tally = tally;
    this.#texts = Array.from({ length: plan.fieldCount }, () => null);
    this.#fields = correctedFields(plan).map((index) => {
      const columns = plan.columns.filter(
        (column): column is FieldColumn => column.from === 'field' && column.field === index,
      );
      return {
        index,
        growth: columns.reduce((sum, column) => sum + growthOf(column), 0),
        columns: columns.map((column) => ({
          column,
          encoder: ColumnEncoder.compile(column),
          reference: references.get(column.name),
        })),
      };
    });
    const tail = plan.columns.filter(isTail);
    this.#tail = tail.map((column) => ColumnEncoder.compile(column)!);
    this.#always = isCareful ? new Set(laneRemarks(plan).corrections) : undefined;
    memory.host = this;
  }

  /** See assembly/corrected.ts. */
  writeField(number: number, text: number, length: number, record: number): number {
    this.#begin(record);
    const field = this.#fields[number]!;
    const value = length < 0 ? null : this.#memory.bytes.toString('latin1', text, text + length);
    this.#texts[field.index] = value;
    for (const { column, encoder, reference } of field.columns) {
      const fault =
        encoder === undefined
          ? writeValue(value, column.type, column.isNullable, this.#writer)
          : encoder.encode(this.#texts, this.#writer, this.#noted);
      if (fault !== undefined) return this.#leave();
      const written = encoder === undefined ? value : encoder.text;
      if (reference !== undefined && written !== null && (reference.isText || written !== '')) {
        this.#referred.push([reference, written]);
      }
    }
    return this.#finish(text, Math.max(0, length) + field.growth);
  }

  /** See assembly/corrected.ts. */
  writeTail(out: number, record: number): number {
    this.#begin(record);
    for (const encoder of this.#tail) {
      if (encoder.encode(this.#texts, this.#writer, this.#noted) !== undefined)
        return this.#leave();
    }
    return this.#finish(out, this.#memory.words[STATE / 4 + OUT_END]! - out - TAIL_RESERVE);
  }

  /** @param next address of the first record that the lane did not take */
  endRun(next: number): void {
    if (this.#record === next) this.#forget();
    else this.#begin(0);
  }

  /** Starts a record. If it is another one, the record before was taken. */
  #begin(record: number): void {
    if (record === this.#record) return;
    if (this.#noted.length > 0) this.#tally.addCorrections(this.#noted, 1);
    for (const [values, text] of this.#referred) addReference(values, text);
    this.#forget();
    this.#record = record;
  }

  #forget(): void {
    this.#record = 0;
    if (this.#noted.length > 0) this.#noted = [];
    if (this.#referred.length > 0) this.#referred = [];
  }

  #leave(): number {
    this.#writer.lendRows();
    return LEFT;
  }

  /** @param room bytes available, not counting the lengths of values */
  #finish(address: number, room: number): number {
    const always = this.#always;
    if (always !== undefined && this.#noted.some((key) => !always.has(key))) return this.#leave();
    if (this.#writer.byteLength > room) return this.#leave();
    return this.#writer.lendRows().copy(this.#memory.bytes, address);
  }
}
