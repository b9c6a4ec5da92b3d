/**
 * Windows of a file → what is known of its columns. The scanner is that of a load, so the records
 * are the same; a record that a load would reject for its form does not contribute to the types.
 *
 * Plain CSV records are split into fields here. All others (damage, another number of fields,
 * another encoding, backslash escapes) go through csv-parse as in the csv lane; records of other
 * formats go through their parsers. Where each record names its fields, columns are added as fields
 * appear.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { EdpError } from '../base/errors.js';
import { type Dialect, PLAIN_DIALECT } from '../formats/csv/dialect.js';
import { openFormat, type RecordForm } from '../formats/open-format.js';
import { type PassedOver, PassedOverTally } from '../formats/text/passed-over.js';
import type { RecordPlace } from '../formats/text/ranges.js';
import type { RecordConsumer } from '../formats/text/read-split.js';
import { DAMAGE_NONE, RecordBatch } from '../formats/text/record-batch.js';
import type { RecordParser, RecordScanner } from '../formats/text/text-format.js';
import type { Window } from '../formats/text/windows.js';
import { Fault, type RejectCode } from '../model/reject-codes.js';
import { coerceText } from '../values/coerce.js';
import { ColumnReader } from './inferred-column.js';
import { KeyCandidate } from './key-candidate.js';
import { type KeyTask, KeyTuple } from './key-tuple.js';

const BATCH_RECORDS = 2048;
/** Most fields that records may name; no table has as many columns. */
const MAX_FIELDS = 10_000;
/** Records that csv-parse parses at once. */
const RUN_RECORDS = 256;

export class RecordReader implements RecordConsumer {
  readonly columns: ColumnReader[];
  readonly keys: readonly KeyCandidate[];
  /** The key that the user specified. */
  readonly tuple: KeyTuple | undefined;
  /** Records that a load would reject for their form, by code. */
  readonly odd: Partial<Record<RejectCode, number>> = {};
  records = 0;
  readonly #passedOver = new PassedOverTally();
  readonly #dialect: Dialect;
  readonly #scanner: RecordScanner;
  readonly #parser: RecordParser;
  readonly #batch = new RecordBatch(BATCH_RECORDS);
  /** Consecutive records that are not plain. */
  readonly #run = new RecordBatch(RUN_RECORDS);
  readonly #isPlainDialect: boolean;
  readonly #delimiter: number;
  /** -1 where nothing is quoted. */
  readonly #quote: number;
  readonly #keyOf: (KeyCandidate | undefined)[];
  /**
   * Places of the fields of a record; in the scratch buffer, if doubled quotes had to be undone.
   */
  readonly #from: Int32Array;
  readonly #to: Int32Array;
  readonly #form: Uint8Array;
  #scratch: Buffer = Buffer.allocUnsafeSlow(64 * 1024);
  #line = 0;
  #isInRecord = false;

  /** @param keyFields columns that may be unique @param key the key that the user specified */
  constructor(
    recordForm: RecordForm,
    columnCount: number,
    keyFields: readonly number[],
    key?: KeyTask,
  ) {
    this.tuple = key === undefined ? undefined : new KeyTuple(key);
    const format = openFormat(recordForm);
    this.#scanner = format.newScanner(this.#passedOver);
    this.#parser = format.newParser();
    const isCsv = recordForm.format === 'csv';
    const dialect = isCsv ? recordForm.dialect : PLAIN_DIALECT;
    this.#dialect = dialect;
    this.columns = Array.from({ length: columnCount }, () => new ColumnReader());
    this.keys = keyFields.map((field) => new KeyCandidate(field));
    this.#keyOf = this.columns.map((_, i) => this.keys.find(({ field }) => field === i));
    this.#from = new Int32Array(columnCount);
    this.#to = new Int32Array(columnCount);
    this.#form = new Uint8Array(columnCount);
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#quote = dialect.quote === '' ? -1 : dialect.quote.charCodeAt(0);
    this.#isPlainDialect =
      isCsv &&
      columnCount > 0 &&
      columnCount === dialect.fieldCount &&
      dialect.delimiter.length === 1 &&
      dialect.escape === 'doubling';
  }

  /** Names of the fields in the order of the columns, where each record names its own. */
  get fields(): readonly string[] | undefined {
    return this.#parser.fields?.slice(0, this.columns.length);
  }

  /** The lines between the records. */
  get passedOver(): PassedOver {
    return this.#passedOver.counts;
  }

  /** Number of line ends so far. */
  get lineCount(): number {
    return this.#line;
  }

  get isInRecord(): boolean {
    return this.#isInRecord;
  }

  async take(window: Window): Promise<number> {
    return this.read(window);
  }

  /** Reads the complete records of a window. @returns start of the first record not taken */
  read({
    bytes,
    filled,
    limit,
    isLast,
  }: Pick<Window, 'bytes' | 'filled' | 'limit' | 'isLast'>): number {
    const scanner = this.#scanner;
    if (this.#isInRecord) {
      const hasEnded = scanner.pass(bytes, filled, isLast);
      if (!hasEnded) return this.#leaveWindow();
      this.#isInRecord = false;
      this.#line += scanner.nextLine;
      this.#count('record_too_long');
      return scanner.nextRecord;
    }
    scanner.reset(0);
    const batch = this.#batch;
    do {
      batch.count = 0;
      scanner.scan(bytes, filled, limit, isLast, batch);
      this.#takeBatch(bytes);
    } while (batch.count === batch.capacity);
    this.#line += scanner.nextLine;
    return scanner.nextRecord;
  }

  rejectLongRecord(_place: RecordPlace, _length: number, _head: Buffer, lines: number): void {
    this.#line += lines;
    this.#count('record_too_long');
  }

  cutLongRecord({ bytes, filled, limit }: Window): number {
    const scanner = this.#scanner;
    this.#batch.count = 0;
    scanner.reset(0);
    scanner.scan(bytes, filled, limit, false, this.#batch);
    if (scanner.cutLongRecord(bytes, filled, this.#batch)) {
      this.#takeBatch(bytes);
      this.#line += scanner.nextLine;
      return scanner.nextRecord;
    }
    this.#isInRecord = true;
    return this.#leaveWindow();
  }

  #leaveWindow(): number {
    const taken = this.#scanner.position;
    this.#scanner.shift(taken);
    return taken;
  }

  #count(code: RejectCode): void {
    this.records++;
    this.odd[code] = (this.odd[code] ?? 0) + 1;
  }

  #takeBatch(bytes: Buffer): void {
    const batch = this.#batch;
    const { count } = batch;
    if (count === 0) return;
    const isText =
      this.#isPlainDialect && this.#isText(bytes, batch.start[0]!, batch.end[count - 1]!);
    for (let i = 0; i < count; i++) {
      const start = batch.start[i]!;
      const end = batch.end[i]!;
      if (
        this.#isPlainDialect &&
        batch.damage[i] === DAMAGE_NONE &&
        (isText || this.#isText(bytes, start, end)) &&
        this.#split(bytes, start, end)
      ) {
        if (this.#run.count > 0) this.#takeRun(bytes);
        this.#addPlain(bytes, this.#line + batch.line[i]!);
        continue;
      }
      if (this.#run.count === RUN_RECORDS) this.#takeRun(bytes);
      this.#addToRun(i);
    }
    if (this.#run.count > 0) this.#takeRun(bytes);
  }

  /**
   * Whether the bytes are UTF-8 without conversion, and hold nothing that PostgreSQL cannot store.
   */
  #isText(bytes: Buffer, from: number, to: number): boolean {
    const part = bytes.subarray(from, to);
    return (this.#dialect.encoding === 'utf-8' ? isUtf8(part) : isAscii(part)) && !part.includes(0);
  }

  /** Finds the fields of a plain record. @returns whether the record is plain */
  #split(bytes: Buffer, start: number, end: number): boolean {
    const { hasTrailingDelimiter, allowsBareQuotes } = this.#dialect;
    const delimiter = this.#delimiter;
    const quote = this.#quote;
    const last = this.#from.length - 1;
    let at = start;
    let scratchAt = 0;
    for (let field = 0; ; field++) {
      if (bytes[at] === quote && at < end) {
        let doubled = 0;
        const from = ++at;
        for (;;) {
          if (at >= end) return false;
          if (bytes[at++] !== quote) continue;
          if (at >= end || bytes[at] !== quote) break;
          doubled++;
          at++;
        }
        if (doubled === 0) {
          this.#from[field] = from;
          this.#to[field] = at - 1;
          this.#form[field] = QUOTED;
        } else {
          this.#from[field] = scratchAt;
          scratchAt = this.#undouble(bytes, from, at - 1, scratchAt, quote);
          this.#to[field] = scratchAt;
          this.#form[field] = IN_SCRATCH;
        }
      } else {
        this.#from[field] = at;
        for (; at < end; at++) {
          const byte = bytes[at];
          if (byte === delimiter) break;
          if (byte === quote && !allowsBareQuotes) return false;
        }
        this.#to[field] = at;
        this.#form[field] = BARE;
      }
      if (field === last) break;
      if (at >= end || bytes[at] !== delimiter) return false;
      at++;
    }
    return at === end || (hasTrailingDelimiter && at === end - 1 && bytes[at] === delimiter);
  }

  /** Copies a quoted field with its doubled quotes made single. @returns end of the copy */
  #undouble(bytes: Buffer, from: number, to: number, into: number, quote: number): number {
    if (into + to - from > this.#scratch.length) {
      const grown = Buffer.allocUnsafeSlow(2 * (into + to - from));
      this.#scratch.copy(grown, 0, 0, into);
      this.#scratch = grown;
    }
    const scratch = this.#scratch;
    let out = into;
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      scratch[out++] = byte;
      if (byte === quote) at++;
    }
    return out;
  }

  #addPlain(bytes: Buffer, line: number): void {
    this.records++;
    for (let i = 0; i < this.columns.length; i++) {
      const column = this.columns[i]!;
      const from = this.#from[i]!;
      const to = this.#to[i]!;
      const form = this.#form[i]!;
      const key = this.#keyOf[i];
      if (from === to) {
        if (form === BARE) column.addNull();
        else column.addEmptyString();
        key?.addNothing();
        continue;
      }
      const where = form === IN_SCRATCH ? this.#scratch : bytes;
      column.add(where, from, to, line);
      if (key !== undefined && !key.isNoKey) key.add(where, from, to);
    }
    if (this.tuple !== undefined) this.#addTuple(this.tuple, bytes, line);
  }

  /** Adds the key of the plain record. */
  #addTuple(tuple: KeyTuple, bytes: Buffer, line: number): void {
    for (const i of tuple.fields) {
      const from = this.#from[i]!;
      const to = this.#to[i]!;
      const form = this.#form[i]!;
      if (from === to && form === BARE) tuple.addNothing();
      else tuple.addValue(form === IN_SCRATCH ? this.#scratch : bytes, from, to);
    }
    tuple.endRecord(line);
  }

  #addToRun(index: number): void {
    const { start, end, line, fieldCount, damage, isBehindComment, isPadded } = this.#batch;
    const run = this.#run;
    const at = run.count++;
    run.start[at] = start[index]!;
    run.end[at] = end[index]!;
    run.line[at] = line[index]!;
    run.fieldCount[at] = fieldCount[index]!;
    run.damage[at] = damage[index]!;
    // A comment or a blank line may lie between two records of the run.
    run.isBehindComment[at] = isBehindComment[index]!;
    run.isPadded[at] = isPadded[index]!;
  }

  #takeRun(bytes: Buffer): void {
    const run = this.#run;
    this.#parser.parse(bytes, run, (index, record) => {
      const fault =
        record instanceof Fault
          ? record
          : record
              .map((field) => (field === null ? undefined : coerceText(field)))
              .find((text) => text instanceof Fault);
      if (fault instanceof Fault) {
        this.#count(fault.code);
        return;
      }
      this.#addFields(record as readonly (string | null)[], this.#line + run.line[index]!);
    });
    run.count = 0;
  }

  #addFields(record: readonly (string | null)[], line: number): void {
    while (this.columns.length < record.length) this.#addColumn();
    this.records++;
    for (let i = 0; i < this.columns.length; i++) {
      const text = record[i] ?? null;
      this.columns[i]!.addText(text, line);
      const key = this.#keyOf[i];
      if (key === undefined) continue;
      if (text === null || text === '') key.addNothing();
      else if (!key.isNoKey) key.add(Buffer.from(text, 'latin1'), 0, text.length);
    }
    const { tuple } = this;
    if (tuple === undefined) return;
    for (const i of tuple.fields) {
      const text = record[i] ?? null;
      if (text === null) tuple.addNothing();
      else tuple.addValue(Buffer.from(text, 'latin1'), 0, text.length);
    }
    tuple.endRecord(line);
  }

  /** Adds a field that no record had so far. @throws EdpError `wrong_format` for too many fields */
  #addColumn(): void {
    if (this.columns.length >= MAX_FIELDS) {
      throw new EdpError('wrong_format', `there are more than ${MAX_FIELDS} different keys`, {
        hint: 'where keys are data (ids, dates), put the object that has them under a key of its own',
      });
    }
    const column = new ColumnReader();
    column.addNulls(this.records - sumCounts(this.odd));
    this.columns.push(column);
    this.#keyOf.push(undefined);
  }
}

/** Number of records that a load would reject, of all codes. */
export function sumCounts(odd: Readonly<Partial<Record<RejectCode, number>>>): number {
  return Object.values(odd).reduce((sum, count) => sum + count, 0);
}

const BARE = 0;
const QUOTED = 1;
/** Quoted, and copied to the scratch buffer with doubled quotes made single. */
const IN_SCRATCH = 2;

/** Reads the complete records of a part of a file. @param start offset at which a record starts */
export function readWholeRecords(reader: RecordReader, bytes: Buffer, start: number): void {
  const part = bytes.subarray(start);
  const limit = Number.POSITIVE_INFINITY;
  reader.read({ bytes: part, filled: part.length, limit, isLast: false });
}
