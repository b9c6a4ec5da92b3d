/**
 * The fast lane: bytes of records in, bytes of COPY rows out, in one pass, without a string, an object or
 * a closure per field.
 *
 * How it works: a table plan is compiled into one operation per field of the header; columns travel in
 * field order, so that a row is written while its record is read. The lane understands the plain forms
 * of every value and nothing else. Whatever else it meets (an escape, a sign it does not expect, a
 * number at its limits, damage of any kind) it leaves to the csv lane: it takes back the row and stops
 * in front of the record. So it never rejects anything, and every rule of what is valid stands in one
 * place (transform/).
 *
 * What breaks if you change it:
 * - A value accepted here must come out as the csv lane would have it, bit for bit; the property tests in
 *   tests/lanes hold both against each other. When in doubt, leave the record.
 * - A record ends here where RecordScanner says it ends; a well-formed record has one end, and only
 *   well-formed ones are taken.
 * - The byte behind the last one must be a line feed (`run` puts it there): loops over digits and text
 *   stop at it and need no bounds check of their own.
 */
import type { ColumnType } from '../../model/model.js';
import { CR, type Dialect, LF, PLAIN, QUOTE } from '../dialect.js';
import type { TablePlan } from '../plan/table-plan.js';
import type { ReferenceValues } from './reference-values.js';

/** Operations, by the type of the column a field goes into. */
const SKIP = 0;
const INT16 = 1;
const INT32 = 2;
const INT64 = 3;
const FLOAT8 = 4;
const FLOAT4 = 5;
const TEXT = 6;
const BOOLEAN = 7;
const DATE = 8;
const TIMESTAMP = 9;
const UUID = 10;
/** A JSON object to flatten. */
const METRICS = 11;
/** A type without a fast form: only NULL is understood. */
const NULL_ONLY = 12;

const OPERATION: Readonly<Record<ColumnType, number>> = {
  smallint: INT16,
  int: INT32,
  bigint: INT64,
  real: FLOAT4,
  double: FLOAT8,
  numeric: NULL_ONLY,
  text: TEXT,
  boolean: BOOLEAN,
  date: DATE,
  timestamp: TIMESTAMP,
  timestamptz: TIMESTAMP,
  uuid: UUID,
  json: NULL_ONLY,
  jsonb: NULL_ONLY,
};

/** Why `run` stopped. */
export const STOPPED_AT_LIMIT = 0;
/** The window ends within the next record, as far as the lane can tell. */
export const STOPPED_INCOMPLETE = 1;
/** The next record is one for the csv lane. */
export const STOPPED_AT_RECORD = 2;
/** As many rows as asked for, or no room for another. */
export const STOPPED_FULL = 3;

/** More digits than this do not fit a double exactly. */
const MAX_EXACT_DIGITS = 15;
/** Within these many days around 2000-01-01, microseconds fit a double exactly (285 years). */
const MAX_EXACT_DAYS = 104_000;
const TWO_TO_32 = 4_294_967_296;

/** A delimiter that plain values hold, too, would not end them. */
const PART_OF_VALUES = /[\w .:+{}-]/;

const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => 10 ** i);
const DAYS_BEFORE_MONTH = Int32Array.of(0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334);
const DAYS_IN_MONTH = Int32Array.of(0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31);

const HEX_VALUE = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  HEX_VALUE[i.toString(16).charCodeAt(0)] = i;
  HEX_VALUE[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

const FLOAT_BITS = new Float64Array(1);
const FLOAT_WORDS = new Uint32Array(FLOAT_BITS.buffer);
const LOW_WORD = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1;

/** Records of the rows written last, in order; offsets are into the window, and into the output. */
export class RowPlaces {
  readonly capacity: number;
  readonly recordStart: Uint32Array;
  /** Without the line end. */
  readonly recordEnd: Uint32Array;
  readonly line: Uint32Array;
  readonly rowEnd: Uint32Array;
  count = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.recordStart = new Uint32Array(capacity);
    this.recordEnd = new Uint32Array(capacity);
    this.line = new Uint32Array(capacity);
    this.rowEnd = new Uint32Array(capacity);
  }
}

interface MetricsPlan {
  readonly path: readonly Uint8Array[];
  readonly keys: readonly Uint8Array[];
  /** INT16, INT32 or INT64 for each metric; NULL_ONLY for types and keys without a fast form. */
  readonly operations: Uint8Array;
  readonly hasExtra: boolean;
  readonly values: Float64Array;
  /** The row in which each metric was met last, to tell metrics that are missing or doubled. */
  readonly metInRow: Float64Array;
}

/** Position behind a field, or one of these. */
const LEAVE = -1;
const INCOMPLETE = -2;

export class ByteLane {
  /** Start of the first record not taken. */
  next = 0;
  /** Line ends seen since the caller last set this. */
  line = 0;
  /** Bytes of rows in `output`. */
  length = 0;
  output: Buffer;
  readonly places: RowPlaces;
  readonly #spare: Buffer[] = [];
  readonly #view: { current: DataView };
  readonly #operations: Uint8Array;
  readonly #isNullable: Uint8Array;
  readonly #references: readonly (ReferenceValues | undefined)[];
  readonly #metrics: readonly (MetricsPlan | undefined)[];
  readonly #fieldCount: number;
  readonly #columnCount: number;
  readonly #delimiter: number;
  readonly #allowsBareQuotes: boolean;
  readonly #loadId: number;
  readonly #hasLoadId: boolean;
  /** Bytes of a row beside the text in it. */
  readonly #fixedBytes: number;
  readonly #withOrdinals: boolean;
  #row = 0;
  /** Output position and line ends, across the calls within one record. */
  #out = 0;
  #lines = 0;
  /** What the record refers to, so far: noted only once the record is taken. */
  readonly #referredValues: Float64Array;
  readonly #referringFields: Uint32Array;
  #referredCount = 0;
  #cachedDate = -1;
  #cachedDays = 0;
  #isUtf8 = true;

  private constructor(
    plan: TablePlan,
    dialect: Dialect,
    operations: Uint8Array,
    isNullable: Uint8Array,
    metrics: readonly (MetricsPlan | undefined)[],
    references: readonly (ReferenceValues | undefined)[],
    options: ByteLaneOptions,
  ) {
    this.#operations = operations;
    this.#isNullable = isNullable;
    this.#metrics = metrics;
    this.#references = references;
    this.#referredValues = new Float64Array(plan.fieldCount);
    this.#referringFields = new Uint32Array(plan.fieldCount);
    this.#fieldCount = plan.fieldCount;
    this.#withOrdinals = options.withOrdinals;
    this.#columnCount = plan.columns.length + (options.withOrdinals ? 1 : 0);
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#allowsBareQuotes = dialect.allowsBareQuotes;
    this.#loadId = options.loadId;
    this.#hasLoadId = plan.columns.some(({ from }) => from === 'load');
    this.#fixedBytes = 2 + (this.#columnCount + 1) * 20;
    this.places = new RowPlaces(options.maxRows);
    this.output = Buffer.allocUnsafeSlow(options.outputBytes);
    this.#view = { current: viewOf(this.output) };
  }

  /**
   * @param references by column name; the values that the rows refer to are noted there
   * @returns undefined where the plan or the dialect has something the lane has no notion of at all
   */
  static compile(
    plan: TablePlan,
    dialect: Dialect,
    references: ReadonlyMap<string, ReferenceValues>,
    options: ByteLaneOptions,
  ): ByteLane | undefined {
    if (!isPlain(dialect) || plan.fieldCount < 2) return undefined;
    if (PART_OF_VALUES.test(dialect.delimiter)) return undefined;
    const operations = new Uint8Array(plan.fieldCount).fill(SKIP);
    const isNullable = new Uint8Array(plan.fieldCount).fill(1);
    const metrics: (MetricsPlan | undefined)[] = new Array(plan.fieldCount).fill(undefined);
    const refers: (ReferenceValues | undefined)[] = new Array(plan.fieldCount).fill(undefined);
    for (const [index, source] of plan.sources.entries()) {
      if (operations[source.field] !== SKIP || !source.path.every(isPlainKey)) return undefined;
      const columns = plan.columns.filter(({ from }) => from === 'metric');
      operations[source.field] = METRICS;
      metrics[source.field] = {
        path: source.path.map((key) => Buffer.from(key)),
        keys: source.keys.map((key) => Buffer.from(key)),
        operations: Uint8Array.from(source.keys, (key, metric) => {
          // A key that two metrics read would be given to the first only.
          const isShared = source.keys.some((other, i) => other === key && i !== metric);
          if (isShared || !isPlainKey(key)) return NULL_ONLY;
          const column = columns.find(
            (c) => c.from === 'metric' && c.source === index && c.metric === metric,
          );
          const operation = column === undefined ? NULL_ONLY : OPERATION[column.type];
          return operation === INT16 || operation === INT32 || operation === INT64
            ? operation
            : NULL_ONLY;
        }),
        hasExtra: plan.columns.some((column) => column.from === 'extra' && column.source === index),
        values: new Float64Array(source.keys.length),
        metInRow: new Float64Array(source.keys.length).fill(-1),
      };
    }
    for (const column of plan.columns) {
      if (column.from !== 'field') continue;
      if (operations[column.field] !== SKIP) return undefined;
      operations[column.field] = OPERATION[column.type];
      isNullable[column.field] = column.isNullable ? 1 : 0;
      const reference = references.get(column.name);
      if (reference === undefined) continue;
      if (column.type === 'text') return undefined;
      refers[column.field] = reference;
    }
    return new ByteLane(plan, dialect, operations, isNullable, metrics, refers, options);
  }

  /** Gives rows back that were taken, once nobody reads them any more. */
  recycle(rows: Buffer): void {
    if (rows.buffer.byteLength === this.output.length) {
      this.#spare.push(Buffer.from(rows.buffer, 0, rows.buffer.byteLength));
    }
  }

  /** Ordinal of the next row, where rows are numbered. */
  nextOrdinal = 0;

  /** Takes the rows written so far; the lane goes on in another buffer, a spare one if it has one. */
  takeRows(): Buffer {
    const rows = this.output.subarray(0, this.length);
    this.output = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.output.length);
    this.#view.current = viewOf(this.output);
    this.length = 0;
    this.places.count = 0;
    return rows;
  }

  /**
   * Takes records from `from` on, until one starts at or after `limit`.
   *
   * @param bytes a window of the file; `bytes[end]` is overwritten with a line feed
   * @param isUtf8 whether the window is known to be valid UTF-8
   * @returns why it stopped; `next` is the record it stopped in front of
   */
  run(bytes: Buffer, from: number, end: number, limit: number, isUtf8: boolean): number {
    bytes[end] = LF;
    this.#isUtf8 = isUtf8;
    const operations = this.#operations;
    const fieldCount = this.#fieldCount;
    const last = fieldCount - 1;
    const delimiter = this.#delimiter;
    const places = this.places;
    const view = this.#view.current;
    const capacity = this.output.length - this.#fixedBytes;
    let position = from;
    for (;;) {
      const start = position;
      this.next = start;
      if (start >= limit) return STOPPED_AT_LIMIT;
      if (start >= end) return STOPPED_INCOMPLETE;
      const rowStart = this.length;
      // A row's text is never longer than what is left of the window.
      if (places.count === places.capacity || rowStart + (end - start) > capacity)
        return STOPPED_FULL;
      this.#lines = 0;
      this.#referredCount = 0;
      this.#row++;
      let out = rowStart;
      view.setInt16(out, this.#columnCount);
      out += 2;
      if (this.#withOrdinals) {
        view.setInt32(out, 4);
        view.setInt32(out + 4, this.nextOrdinal);
        out += 8;
      }
      this.#out = out;
      let recordEnd = start;
      for (let field = 0; field < fieldCount; field++) {
        const operation = operations[field]!;
        switch (operation) {
          case INT32:
          case INT64:
          case INT16:
            position = this.#integer(bytes, position, end, field, operation, view);
            break;
          case TIMESTAMP:
          case DATE:
            position = this.#timestamp(bytes, position, end, field, operation === DATE, view);
            break;
          case METRICS:
            position = this.#flatten(bytes, position, end, this.#metrics[field]!, view);
            break;
          case TEXT:
            position = this.#text(bytes, position, end, field, view);
            break;
          case FLOAT8:
          case FLOAT4:
            position = this.#float(bytes, position, end, field, operation, view);
            break;
          case BOOLEAN:
            position = this.#boolean(bytes, position, end, field, view);
            break;
          case UUID:
            position = this.#uuid(bytes, position, end, field, view);
            break;
          case SKIP:
            position = this.#skip(bytes, position, end);
            break;
          default:
            position = this.#null(bytes, position, end, field, view);
        }
        if (position < 0) return position === LEAVE ? STOPPED_AT_RECORD : STOPPED_INCOMPLETE;
        if (position >= end) return STOPPED_INCOMPLETE;
        const byte = bytes[position]!;
        if (field < last) {
          if (byte !== delimiter) return STOPPED_AT_RECORD;
          position++;
        } else if (byte === LF) {
          recordEnd = position++;
        } else if (byte === CR) {
          if (position + 1 >= end) return STOPPED_INCOMPLETE;
          if (bytes[position + 1] !== LF) return STOPPED_AT_RECORD;
          recordEnd = position;
          position += 2;
        } else {
          return STOPPED_AT_RECORD;
        }
      }
      out = this.#out;
      if (this.#hasLoadId) {
        view.setInt32(out, 8);
        view.setInt32(out + 4, Math.floor(this.#loadId / TWO_TO_32));
        view.setUint32(out + 8, this.#loadId % TWO_TO_32);
        out += 12;
      }
      for (let i = 0; i < this.#referredCount; i++) {
        this.#references[this.#referringFields[i]!]!.add(this.#referredValues[i]!);
      }
      const index = places.count++;
      places.recordStart[index] = start;
      places.recordEnd[index] = recordEnd;
      places.line[index] = this.line;
      places.rowEnd[index] = out;
      this.length = out;
      this.line += this.#lines + 1;
      this.nextOrdinal++;
    }
  }

  /** Writes NULL for an empty field at `position`, quoted or not; leaves all else. */
  #null(bytes: Buffer, position: number, end: number, field: number, view: DataView): number {
    if (this.#isNullable[field] === 0) return LEAVE;
    let behind = position;
    if (bytes[position] === QUOTE) {
      if (position + 2 >= end) return INCOMPLETE;
      if (bytes[position + 1] !== QUOTE) return LEAVE;
      behind = position + 2;
    }
    const byte = bytes[behind]!;
    if (byte !== this.#delimiter && byte !== LF && byte !== CR) return LEAVE;
    view.setInt32(this.#out, -1);
    this.#out += 4;
    return behind;
  }

  #integer(
    bytes: Buffer,
    start: number,
    end: number,
    field: number,
    operation: number,
    view: DataView,
  ): number {
    let position = start;
    let byte = bytes[position]!;
    const isQuoted = byte === QUOTE;
    if (isQuoted) byte = bytes[++position]!;
    const isNegative = byte === 0x2d;
    if (isNegative) byte = bytes[++position]!;
    const first = position;
    let value = 0;
    let digit = byte - 0x30;
    while (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digit = bytes[++position]! - 0x30;
    }
    const digits = position - first;
    if (digits === 0) return isNegative ? LEAVE : this.#null(bytes, start, end, field, view);
    if (digits > MAX_EXACT_DIGITS) return LEAVE;
    if (isNegative) value = -value;
    if (isQuoted) {
      if (position + 1 >= end) return INCOMPLETE;
      if (bytes[position++] !== QUOTE) return LEAVE;
    }
    const written = writeInteger(view, this.#out, value, operation);
    if (written < 0) return LEAVE;
    if (this.#references[field] !== undefined) {
      this.#referredValues[this.#referredCount] = value;
      this.#referringFields[this.#referredCount++] = field;
    }
    this.#out = written;
    return position;
  }

  #timestamp(
    bytes: Buffer,
    start: number,
    end: number,
    field: number,
    isDate: boolean,
    view: DataView,
  ): number {
    let position = start;
    const isQuoted = bytes[position] === QUOTE;
    if (isQuoted) position++;
    const first = bytes[position]!;
    if (first < 0x30 || first > 0x39) return this.#null(bytes, start, end, field, view);
    if (position + (isDate ? 10 : 19) >= end) return INCOMPLETE;
    if (bytes[position + 4] !== 0x2d || bytes[position + 7] !== 0x2d) return LEAVE;
    const century = twoDigits(bytes, position);
    const yearOfCentury = twoDigits(bytes, position + 2);
    const month = twoDigits(bytes, position + 5);
    const day = twoDigits(bytes, position + 8);
    if ((century | yearOfCentury | month | day) < 0) return LEAVE;
    const year = century * 100 + yearOfCentury;
    const date = (year * 100 + month) * 100 + day;
    if (date !== this.#cachedDate) {
      if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month))
        return LEAVE;
      this.#cachedDays = daysFromDate(year, month, day);
      this.#cachedDate = date;
    }
    const days = this.#cachedDays;
    if (isDate) {
      view.setInt32(this.#out, 4);
      view.setInt32(this.#out + 4, days);
      this.#out += 8;
      position += 10;
      return isQuoted ? closeQuote(bytes, position, end) : position;
    }
    const separator = bytes[position + 10]!;
    if (
      (separator !== 0x20 && separator !== 0x54) ||
      bytes[position + 13] !== 0x3a ||
      bytes[position + 16] !== 0x3a
    ) {
      return LEAVE;
    }
    const hour = twoDigits(bytes, position + 11);
    const minute = twoDigits(bytes, position + 14);
    const second = twoDigits(bytes, position + 17);
    if ((hour | minute | second) < 0 || hour > 23 || minute > 59 || second > 59) return LEAVE;
    if (days > MAX_EXACT_DAYS || days < -MAX_EXACT_DAYS) return LEAVE;
    position += 19;
    let seconds = (hour * 60 + minute) * 60 + second;
    let micros = 0;
    if (bytes[position] === 0x2e) {
      let scale = 100_000;
      let digit = bytes[++position]! - 0x30;
      if (digit < 0 || digit > 9) return position >= end ? INCOMPLETE : LEAVE;
      while (digit >= 0 && digit <= 9) {
        // A seventh digit is to be rounded.
        if (scale < 1) return LEAVE;
        micros += digit * scale;
        scale = scale === 1 ? 0 : scale / 10;
        digit = bytes[++position]! - 0x30;
      }
    }
    const zone = bytes[position]!;
    if (zone === 0x5a) {
      position++;
    } else if (zone === 0x2b || zone === 0x2d) {
      if (position + 6 >= end) return INCOMPLETE;
      if (bytes[position + 3] !== 0x3a) return LEAVE;
      const zoneHours = twoDigits(bytes, position + 1);
      const zoneMinutes = twoDigits(bytes, position + 4);
      if ((zoneHours | zoneMinutes) < 0 || zoneHours > 15 || zoneMinutes > 59) return LEAVE;
      const offset = (zoneHours * 60 + zoneMinutes) * 60;
      seconds += zone === 0x2d ? offset : -offset;
      position += 6;
    }
    view.setInt32(this.#out, 8);
    writeInt64(view, this.#out + 4, (days * 86_400 + seconds) * 1e6 + micros);
    this.#out += 12;
    return isQuoted ? closeQuote(bytes, position, end) : position;
  }

  #float(
    bytes: Buffer,
    start: number,
    end: number,
    field: number,
    operation: number,
    view: DataView,
  ): number {
    let position = start;
    let byte = bytes[position]!;
    const isQuoted = byte === QUOTE;
    if (isQuoted) byte = bytes[++position]!;
    const isNegative = byte === 0x2d;
    if (isNegative) position++;
    const first = position;
    let mantissa = 0;
    let digit = bytes[position]! - 0x30;
    while (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      digit = bytes[++position]! - 0x30;
    }
    let digits = position - first;
    if (digits === 0) return isNegative ? LEAVE : this.#null(bytes, start, end, field, view);
    let decimals = 0;
    if (bytes[position] === 0x2e) {
      const point = position;
      digit = bytes[++position]! - 0x30;
      while (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit;
        digit = bytes[++position]! - 0x30;
      }
      decimals = position - point - 1;
      digits += decimals;
    }
    // Up to here both mantissa and power of ten are exact, so that one division rounds rightly.
    if (digits > MAX_EXACT_DIGITS) return LEAVE;
    const value = mantissa / POWERS_OF_TEN[decimals]!;
    if (operation === FLOAT8) {
      view.setInt32(this.#out, 8);
      view.setFloat64(this.#out + 4, isNegative ? -value : value);
      this.#out += 12;
    } else {
      // Rounding twice goes wrong only where the double lies exactly between two singles.
      FLOAT_BITS[0] = value;
      if ((FLOAT_WORDS[LOW_WORD]! & 0x1fffffff) === 0x10000000) return LEAVE;
      if (value !== 0 && (value < 1e-30 || value > 1e30)) return LEAVE;
      view.setInt32(this.#out, 4);
      view.setFloat32(this.#out + 4, isNegative ? -value : value);
      this.#out += 8;
    }
    return isQuoted ? closeQuote(bytes, position, end) : position;
  }

  #text(bytes: Buffer, start: number, end: number, field: number, view: DataView): number {
    const output = this.output;
    const lengthAt = this.#out;
    const delimiter = this.#delimiter;
    let out = lengthAt + 4;
    let position = start;
    let bits = 0;
    let byte = bytes[position]!;
    if (byte !== QUOTE) {
      while (byte !== delimiter && byte !== LF) {
        if (byte === QUOTE || byte === 0) return LEAVE;
        if (byte === CR) {
          if (position + 1 >= end) return INCOMPLETE;
          if (bytes[position + 1] !== LF) return LEAVE;
          break;
        }
        bits |= byte;
        output[out++] = byte;
        byte = bytes[++position]!;
      }
      if (out === lengthAt + 4) return this.#null(bytes, start, end, field, view);
    } else {
      for (;;) {
        if (++position >= end) return INCOMPLETE;
        byte = bytes[position]!;
        if (byte === QUOTE) {
          if (position + 1 >= end) return INCOMPLETE;
          if (bytes[position + 1] !== QUOTE) break;
          position++;
        } else if (byte === LF) {
          this.#lines++;
        } else if (byte === 0) {
          return LEAVE;
        }
        bits |= byte;
        output[out++] = byte;
      }
      position++;
    }
    if (bits > 0x7f && !this.#isUtf8) return LEAVE;
    view.setInt32(lengthAt, out - lengthAt - 4);
    this.#out = out;
    return position;
  }

  #boolean(bytes: Buffer, start: number, end: number, field: number, view: DataView): number {
    let position = start;
    const isQuoted = bytes[position] === QUOTE;
    if (isQuoted) position++;
    let value: boolean;
    // Bit 0x20 makes a letter small, and leaves digits as they are.
    const letter = bytes[position]! | 0x20;
    switch (letter) {
      case 0x74: // t
        value = true;
        position += isWord(bytes, position, 0x72, 0x75, 0x65, 0) ? 4 : 1;
        break;
      case 0x66: // f
        value = false;
        position += isWord(bytes, position, 0x61, 0x6c, 0x73, 0x65) ? 5 : 1;
        break;
      case 0x31:
      case 0x30:
        if (bytes[position] !== letter) return LEAVE;
        value = letter === 0x31;
        position++;
        break;
      default:
        return this.#null(bytes, start, end, field, view);
    }
    view.setInt32(this.#out, 1);
    this.output[this.#out + 4] = value ? 1 : 0;
    this.#out += 5;
    return isQuoted ? closeQuote(bytes, position, end) : position;
  }

  /** The usual form: 8-4-4-4-12 hexadecimal digits. */
  #uuid(bytes: Buffer, start: number, end: number, field: number, view: DataView): number {
    let position = start;
    const isQuoted = bytes[position] === QUOTE;
    if (isQuoted) position++;
    if (HEX_VALUE[bytes[position]!]! < 0) return this.#null(bytes, start, end, field, view);
    if (position + 36 >= end) return INCOMPLETE;
    const output = this.output;
    view.setInt32(this.#out, 16);
    let out = this.#out + 4;
    for (let i = 0; i < 36; ) {
      if (i === 8 || i === 13 || i === 18 || i === 23) {
        if (bytes[position + i] !== 0x2d) return LEAVE;
        i++;
        continue;
      }
      const high = HEX_VALUE[bytes[position + i]!]!;
      const low = HEX_VALUE[bytes[position + i + 1]!]!;
      if ((high | low) < 0) return LEAVE;
      output[out++] = (high << 4) | low;
      i += 2;
    }
    this.#out = out;
    position += 36;
    return isQuoted ? closeQuote(bytes, position, end) : position;
  }

  /** A field that goes nowhere. */
  #skip(bytes: Buffer, start: number, end: number): number {
    let position = start;
    let byte = bytes[position]!;
    if (byte !== QUOTE) {
      while (byte !== this.#delimiter && byte !== LF) {
        if (byte === QUOTE) return LEAVE;
        if (byte === CR) {
          if (position + 1 >= end) return INCOMPLETE;
          return bytes[position + 1] === LF ? position : LEAVE;
        }
        byte = bytes[++position]!;
      }
      return position;
    }
    for (;;) {
      if (++position >= end) return INCOMPLETE;
      byte = bytes[position]!;
      if (byte === LF) this.#lines++;
      else if (byte === QUOTE) {
        if (position + 1 >= end) return INCOMPLETE;
        if (bytes[position + 1] !== QUOTE) return position + 1;
        position++;
      }
    }
  }

  /**
   * Flattens `{"metrics": {"metric_one": 12, …}}`: the path and nothing beside it, then declared
   * metrics with plain integers, in any order, each at most once. In a quoted field every quote of the
   * JSON is doubled.
   */
  #flatten(bytes: Buffer, start: number, end: number, plan: MetricsPlan, view: DataView): number {
    let position = start;
    const isQuoted = bytes[position] === QUOTE;
    if (isQuoted) position++;
    else if (bytes[position] !== 0x7b || !this.#allowsBareQuotes) {
      return this.#noMetrics(bytes, start, end, plan, view);
    }
    if (bytes[position] !== 0x7b) return this.#noMetrics(bytes, start, end, plan, view);
    const { path, keys, operations, values, metInRow } = plan;
    const row = this.#row;
    position++;
    for (let depth = 0; depth < path.length; depth++) {
      position = matchKey(bytes, skipSpaces(bytes, position), path[depth]!, isQuoted);
      if (position < 0) return this.#leaveOrWait(bytes, start, end);
      position = skipSpaces(bytes, position);
      if (bytes[position] !== 0x7b) return this.#leaveOrWait(bytes, start, end);
      position++;
    }
    position = skipSpaces(bytes, position);
    if (bytes[position] === 0x7d) {
      position++;
    } else if (keys.length === 0) {
      return this.#leaveOrWait(bytes, start, end);
    } else {
      // Metrics mostly come in the declared order: the next one is tried first.
      let expected = 0;
      for (;;) {
        let metric = expected < keys.length ? expected : 0;
        let behind = matchKey(bytes, position, keys[metric]!, isQuoted);
        for (let tried = 1; behind < 0 && tried < keys.length; tried++) {
          metric = metric + 1 === keys.length ? 0 : metric + 1;
          behind = matchKey(bytes, position, keys[metric]!, isQuoted);
        }
        if (behind < 0 || metInRow[metric] === row) return this.#leaveOrWait(bytes, start, end);
        position = skipSpaces(bytes, behind);
        const isNegative = bytes[position] === 0x2d;
        if (isNegative) position++;
        const first = position;
        let value = 0;
        let digit = bytes[position]! - 0x30;
        while (digit >= 0 && digit <= 9) {
          value = value * 10 + digit;
          digit = bytes[++position]! - 0x30;
        }
        const digits = position - first;
        // JSON has no leading zeros.
        if (
          digits === 0 ||
          digits > MAX_EXACT_DIGITS ||
          (digits > 1 && bytes[first] === 0x30) ||
          operations[metric] === NULL_ONLY
        ) {
          return this.#leaveOrWait(bytes, start, end);
        }
        values[metric] = isNegative ? -value : value;
        metInRow[metric] = row;
        expected = metric + 1;
        position = skipSpaces(bytes, position);
        if (bytes[position] === 0x2c) {
          position = skipSpaces(bytes, position + 1);
          continue;
        }
        if (bytes[position] !== 0x7d) return this.#leaveOrWait(bytes, start, end);
        position++;
        break;
      }
    }
    for (let depth = path.length; depth > 0; depth--) {
      position = skipSpaces(bytes, position);
      if (bytes[position] !== 0x7d) return this.#leaveOrWait(bytes, start, end);
      position++;
    }
    if (isQuoted) {
      position = closeQuote(bytes, position, end);
      if (position < 0) return position;
    }
    let out = this.#out;
    for (let metric = 0; metric < keys.length; metric++) {
      if (metInRow[metric] === row) {
        out = writeInteger(view, out, values[metric]!, operations[metric]!);
        if (out < 0) return LEAVE;
      } else {
        view.setInt32(out, -1);
        out += 4;
      }
    }
    if (plan.hasExtra) {
      view.setInt32(out, -1);
      out += 4;
    }
    this.#out = out;
    return position;
  }

  /** An empty field: every metric is NULL. */
  #noMetrics(bytes: Buffer, start: number, end: number, plan: MetricsPlan, view: DataView): number {
    let position = start;
    if (bytes[position] === QUOTE) {
      if (position + 2 >= end) return INCOMPLETE;
      if (bytes[position + 1] !== QUOTE) return LEAVE;
      position += 2;
    }
    const byte = bytes[position]!;
    if (byte !== this.#delimiter && byte !== LF && byte !== CR) return LEAVE;
    let out = this.#out;
    for (let column = plan.keys.length + (plan.hasExtra ? 1 : 0); column > 0; column--) {
      view.setInt32(out, -1);
      out += 4;
    }
    this.#out = out;
    return position;
  }

  /** What is not understood may only be cut off by the end of the window. */
  #leaveOrWait(bytes: Buffer, start: number, end: number): number {
    const lineEnd = bytes.indexOf(LF, start);
    return lineEnd < 0 || lineEnd >= end ? INCOMPLETE : LEAVE;
  }
}

export interface ByteLaneOptions {
  readonly loadId: number;
  /** Whether each row begins with its number, as the careful way wants it. */
  readonly withOrdinals: boolean;
  /** Rows that `run` writes at the most before it stops. */
  readonly maxRows: number;
  /** Size of the output buffer; must hold a window and more. */
  readonly outputBytes: number;
}

/**
 * Whether the lane knows how the dialect's records begin, end and quote. Of other encodings it takes the
 * records that are ASCII, and ragged records are not for it in any case.
 */
function isPlain(dialect: Dialect): boolean {
  return (
    dialect.delimiter.length === 1 &&
    dialect.quote === PLAIN.quote &&
    dialect.escape === PLAIN.escape &&
    dialect.recordEnd === PLAIN.recordEnd &&
    dialect.comment === '' &&
    !dialect.hasTrailingDelimiter
  );
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** Whether a key stands in JSON as it is, without escapes; `__proto__` is a fault there. */
function isPlainKey(key: string): boolean {
  return JSON.stringify(key) === `"${key}"` && key !== '__proto__';
}

/** @returns the two-digit number at `position`, or a negative number */
function twoDigits(bytes: Buffer, position: number): number {
  const tens = bytes[position]! - 0x30;
  const ones = bytes[position + 1]! - 0x30;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}

function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeapYear(year) ? 29 : DAYS_IN_MONTH[month]!;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Days from 2000-01-01 in the proleptic Gregorian calendar. */
function daysFromDate(year: number, month: number, day: number): number {
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const leapDay = month > 2 && isLeapYear(year) ? 1 : 0;
  // 730119 days lie between 0001-01-01 and 2000-01-01.
  return before * 365 + leapDays + DAYS_BEFORE_MONTH[month]! + leapDay + day - 1 - 730_119;
}

function closeQuote(bytes: Buffer, position: number, end: number): number {
  if (position + 1 >= end) return INCOMPLETE;
  return bytes[position] === QUOTE && bytes[position + 1] !== QUOTE ? position + 1 : LEAVE;
}

/** Whether the letters behind `position` are these, in any case; a 0 stands for none. */
function isWord(
  bytes: Buffer,
  position: number,
  a: number,
  b: number,
  c: number,
  d: number,
): boolean {
  return (
    (bytes[position + 1]! | 0x20) === a &&
    (bytes[position + 2]! | 0x20) === b &&
    (bytes[position + 3]! | 0x20) === c &&
    (d === 0 || (bytes[position + 4]! | 0x20) === d)
  );
}

function skipSpaces(bytes: Buffer, position: number): number {
  let behind = position;
  while (bytes[behind] === 0x20) behind++;
  return behind;
}

/** Matches `"key":` at `position`. @returns the position behind the colon, or -1 */
function matchKey(bytes: Buffer, position: number, key: Uint8Array, isQuoted: boolean): number {
  let at = position;
  if (bytes[at++] !== QUOTE || (isQuoted && bytes[at++] !== QUOTE)) return -1;
  for (let i = 0; i < key.length; i++) if (bytes[at++] !== key[i]) return -1;
  if (bytes[at++] !== QUOTE || (isQuoted && bytes[at++] !== QUOTE)) return -1;
  at = skipSpaces(bytes, at);
  return bytes[at] === 0x3a ? at + 1 : -1;
}

/** @param value an integer that a double holds exactly */
function writeInt64(view: DataView, position: number, value: number): void {
  const high = Math.floor(value / TWO_TO_32);
  view.setInt32(position, high);
  view.setUint32(position + 4, value - high * TWO_TO_32);
}

/** @returns the position behind the field, or -1 where the value does not fit its type */
function writeInteger(view: DataView, position: number, value: number, operation: number): number {
  if (operation === INT32) {
    if (value > 2_147_483_647 || value < -2_147_483_648) return -1;
    view.setInt32(position, 4);
    view.setInt32(position + 4, value);
    return position + 8;
  }
  if (operation === INT64) {
    view.setInt32(position, 8);
    writeInt64(view, position + 4, value);
    return position + 12;
  }
  if (value > 32_767 || value < -32_768) return -1;
  view.setInt32(position, 2);
  view.setInt16(position + 4, value);
  return position + 6;
}
