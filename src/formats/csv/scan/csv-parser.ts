/**
 * Records → fields, with csv-parse, which decides what a record contains.
 *
 * The scanner finds the records; csv-parse reads their fields. Where it finds a fault in a run of
 * records, the run is halved until the faulty record stands alone, so that a bad record never costs
 * another. csv-parse drops a backslash before any character, and so would spoil a path in a quoted
 * field; and with blanks beside quotes it drops those of unquoted fields, too. So records with either
 * are read by read-fields.ts.
 *
 * Fields are byte strings of UTF-8: one character per byte (latin1), so that nothing is lost or
 * replaced before the rules of the column's type apply.
 */

import type { CastingContext, Options } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import type { LineEnd } from '../../../model/csv-settings.js';
import { Fault } from '../../../model/reject-codes.js';
import {
  DAMAGE_BAD_QUOTE,
  DAMAGE_NONE,
  DAMAGE_TOO_LONG,
  type RecordBatch,
} from '../../text/record-batch.js';
import type { ParsedRecord, RecordParser } from '../../text/text-format.js';
import { toUtf8 } from '../../text/transcode.js';
import { type Dialect, mayPadQuotes } from '../dialect.js';
import { type FieldTexts, readFields } from './read-fields.js';

/**
 * If there are more surplus fields, they are only counted: a line may hold millions of delimiters.
 */
const MAX_SURPLUS_READ = 1000;

const RECORD_DELIMITERS: Readonly<Record<LineEnd, string[]>> = {
  lf: ['\r\n', '\n'],
  crlf: ['\r\n'],
  cr: ['\r'],
  any: ['\r\n', '\n', '\r'],
};

export class CsvParser implements RecordParser {
  readonly #dialect: Dialect;
  readonly #options: Options;
  readonly #quotingOptions: Options;
  /** An empty quoted field as it is written; empty where nothing is quoted. */
  readonly #emptyQuoted: string;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
    this.#emptyQuoted = dialect.quote + dialect.quote;
    this.#options = {
      encoding: 'latin1',
      bom: false,
      delimiter: dialect.delimiter,
      quote: dialect.quote === '' ? false : dialect.quote,
      escape: dialect.quote === '' ? null : dialect.quote,
      record_delimiter: RECORD_DELIMITERS[dialect.lineEnd],
      relax_column_count: true,
      relax_quotes: dialect.allowsBareQuotes,
      skip_empty_lines: dialect.fieldCount !== 1,
    };
    // csv-parse reports only to `cast` whether a field was quoted, and that is slow. So only the
    // few records in which an empty field may be quoted are parsed again.
    this.#quotingOptions = {
      ...this.#options,
      cast: (value: string, context: CastingContext) =>
        value === '' && !context.quoting ? null : value,
    };
  }

  /**
   * Parses the records of a batch, and calls `each` for each of them, in order.
   *
   * @param bytes the buffer that the batch's offsets refer to
   */
  parse(
    bytes: Buffer,
    batch: RecordBatch,
    each: (index: number, record: ParsedRecord) => void,
  ): void {
    let from = 0;
    const parseUpTo = (to: number) => {
      if (to <= from) return;
      if (this.#dialect.escape === 'backslash') this.#readEach(bytes, batch, from, to, each);
      else this.#parseRun(bytes, batch, from, to, each);
    };
    for (let i = 0; i < batch.count; i++) {
      const fault = this.#knownFault(batch, i);
      const isPadded = batch.isPadded[i] !== 0;
      if (fault === undefined && batch.isBehindComment[i] === 0 && !isPadded) continue;
      parseUpTo(i);
      from = i;
      if (fault !== undefined) each(i, fault);
      else if (isPadded) this.#readEach(bytes, batch, i, i + 1, each);
      else continue;
      from = i + 1;
    }
    parseUpTo(batch.count);
  }

  /** The fault that the scanner already found. */
  #knownFault(batch: RecordBatch, index: number): Fault | undefined {
    const damage = batch.damage[index]!;
    if (damage !== DAMAGE_NONE) return damageFault(damage);
    const { fieldCount } = this.#dialect;
    const count = batch.fieldCount[index]!;
    return fieldCount > 0 && count > fieldCount + MAX_SURPLUS_READ
      ? countFault(count, fieldCount)
      : undefined;
  }

  #readEach(
    bytes: Buffer,
    batch: RecordBatch,
    from: number,
    to: number,
    each: (index: number, record: ParsedRecord) => void,
  ): void {
    for (let i = from; i < to; i++) {
      const fields = this.#readFields(bytes, batch, i);
      each(i, fields instanceof Fault ? fields : this.#settle(fields));
    }
  }

  #readFields(bytes: Buffer, batch: RecordBatch, index: number): FieldTexts | Fault {
    const text = bytes.toString('latin1', batch.start[index], batch.end[index]);
    return readFields(text, this.#dialect);
  }

  #parseRun(
    bytes: Buffer,
    batch: RecordBatch,
    from: number,
    to: number,
    each: (index: number, record: ParsedRecord) => void,
  ): void {
    let records: (string | null)[][];
    try {
      records = parse(
        bytes.subarray(batch.start[from], batch.end[to - 1]),
        this.#options,
      ) as unknown as string[][];
      // An empty record of a one-column file at the very end has no characters at all.
      if (records.length === to - from - 1 && batch.start[to - 1] === batch.end[to - 1])
        records.push(['']);
    } catch (error) {
      if (to - from === 1) {
        // A caller that made the batch by itself does not know of blanks beside quotes.
        const fields = mayPadQuotes(this.#dialect)
          ? this.#readFields(bytes, batch, from)
          : toFault(error);
        each(from, fields instanceof Fault ? toFault(error) : this.#settle(fields));
        return;
      }
      records = [];
    }
    if (records.length !== to - from) {
      if (to - from === 1) {
        each(from, new Fault('bad_quote', 'the record cannot be read as CSV'));
        return;
      }
      const middle = (from + to) >>> 1;
      this.#parseRun(bytes, batch, from, middle, each);
      this.#parseRun(bytes, batch, middle, to, each);
      return;
    }
    for (let i = 0; i < records.length; i++) {
      each(from + i, this.#settle(this.#withNulls(records[i]!, bytes, batch, from + i)));
    }
  }

  /** Distinguishes NULL (empty, unquoted) from the empty string (empty, quoted). */
  #withNulls(fields: FieldTexts, bytes: Buffer, batch: RecordBatch, index: number): FieldTexts {
    if (!fields.includes('')) return fields;
    const raw = bytes.subarray(batch.start[index], batch.end[index]);
    if (this.#emptyQuoted !== '' && raw.includes(this.#emptyQuoted)) {
      const [record] = parse(raw, this.#quotingOptions) as unknown as FieldTexts[];
      return record ?? fields;
    }
    for (let i = 0; i < fields.length; i++) if (fields[i] === '') fields[i] = null;
    return fields;
  }

  /** Checks or corrects the number of fields, and converts them to UTF-8. */
  #settle(fields: FieldTexts): ParsedRecord {
    const { fieldCount, hasTrailingDelimiter, ragged, encoding } = this.#dialect;
    if (fields.length !== fieldCount && fieldCount > 0) {
      const count = fields.length;
      const isPadded = ragged === 'pad';
      const mayDrop = isPadded ? count : hasTrailingDelimiter ? fieldCount + 1 : fieldCount;
      while (fields.length > fieldCount && fields.length <= mayDrop && isEmpty(fields.at(-1))) {
        fields.pop();
      }
      while (isPadded && fields.length < fieldCount) fields.push(null);
      if (fields.length !== fieldCount) return countFault(count, fieldCount);
    }
    if (encoding === 'utf-8') return fields;
    return fields.map((field) => (field === null ? null : toUtf8(field, encoding)));
  }
}

function isEmpty(field: string | null | undefined): boolean {
  return field === null || field === '';
}

function countFault(count: number, expected: number): Fault {
  const fields = count === 1 ? '1 field' : `${count} fields`;
  return new Fault('wrong_field_count', `${fields} instead of ${expected}`);
}

function damageFault(damage: number): Fault {
  switch (damage) {
    case DAMAGE_BAD_QUOTE:
      return new Fault(
        'bad_quote',
        'a closing quote is followed by neither delimiter nor line end',
      );
    case DAMAGE_TOO_LONG:
      return new Fault('record_too_long', 'the record is longer than edp can hold');
    default:
      return new Fault('unterminated_quote', 'a quoted field is never closed');
  }
}

function toFault(error: unknown): Fault {
  const { code } = error as { code?: string };
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return new Fault('unterminated_quote', 'a quoted field is never closed');
    case 'INVALID_OPENING_QUOTE':
      return new Fault('bad_quote', 'a quote inside an unquoted field');
    case 'CSV_INVALID_CLOSING_QUOTE':
      return new Fault(
        'bad_quote',
        'a closing quote is followed by neither delimiter nor line end',
      );
    default:
      throw error;
  }
}
