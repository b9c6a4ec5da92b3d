/**
 * Records → fields with csv-parse, the parser of record.
 *
 * The record scanner says where records are; csv-parse says what is in them. Where it finds fault in
 * a run of records, the run is halved until the faulty record stands alone, so that one bad record
 * never costs another.
 *
 * Fields are byte strings: one character per byte (latin1), so that nothing is lost or replaced
 * before a value's own rules look at it.
 */
import type { CastingContext, Options } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import type { Dialect } from '../dialect.js';
import { Fault } from '../reject.js';
import { DAMAGE_BAD_QUOTE, DAMAGE_NONE, type RecordBatch } from './records.js';

/** A record's fields, or what is wrong with it. `null` is an unquoted empty field. */
export type ParsedRecord = readonly (string | null)[] | Fault;

export class CsvParser {
  readonly #dialect: Dialect;
  readonly #options: Options;
  readonly #quotingOptions: Options;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
    this.#options = {
      encoding: 'latin1',
      bom: false,
      delimiter: String.fromCharCode(dialect.delimiter),
      record_delimiter: dialect.recordEnd === 0x0d ? ['\r'] : ['\r\n', '\n'],
      relax_column_count: true,
      relax_quotes: dialect.allowsBareQuotes,
      skip_empty_lines: dialect.fieldCount > 1,
    };
    // csv-parse tells whether a field was quoted only to `cast`, which is slow: it is asked again,
    // for the few records in which an empty field may be a quoted one.
    this.#quotingOptions = {
      ...this.#options,
      cast: (value: string, context: CastingContext) =>
        value === '' && !context.quoting ? null : value,
    };
  }

  /**
   * Parses `count` records of the batch from `from` on, and gives each to `each`, in order.
   *
   * @param bytes the buffer that the batch's offsets refer to
   */
  parse(
    bytes: Buffer,
    batch: RecordBatch,
    each: (index: number, record: ParsedRecord) => void,
  ): void {
    let from = 0;
    for (let i = 0; i <= batch.count; i++) {
      if (i < batch.count && batch.damage[i] === DAMAGE_NONE) continue;
      if (i > from) this.#parseRun(bytes, batch, from, i, each);
      if (i < batch.count) each(i, damageFault(batch.damage[i]!));
      from = i + 1;
    }
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
        each(from, toFault(error));
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
      each(from + i, this.#withNulls(records[i]!, bytes, batch, from + i));
    }
  }

  /** Tells NULL (empty, unquoted) from the empty string (empty, quoted). */
  #withNulls(
    fields: (string | null)[],
    bytes: Buffer,
    batch: RecordBatch,
    index: number,
  ): ParsedRecord {
    if (!fields.includes('')) return this.#withCount(fields);
    const raw = bytes.subarray(batch.start[index], batch.end[index]);
    if (raw.includes('""')) {
      const [record] = parse(raw, this.#quotingOptions) as unknown as (string | null)[][];
      return this.#withCount(record ?? fields);
    }
    for (let i = 0; i < fields.length; i++) if (fields[i] === '') fields[i] = null;
    return this.#withCount(fields);
  }

  #withCount(fields: readonly (string | null)[]): ParsedRecord {
    const expected = this.#dialect.fieldCount;
    if (fields.length === expected) return fields;
    return new Fault('wrong_field_count', `${fields.length} fields instead of ${expected}`);
  }
}

function damageFault(damage: number): Fault {
  return damage === DAMAGE_BAD_QUOTE
    ? new Fault('bad_quote', 'a closing quote is followed by neither delimiter nor line end')
    : new Fault('unterminated_quote', 'a quoted field is never closed');
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
