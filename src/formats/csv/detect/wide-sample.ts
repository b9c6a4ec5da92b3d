/**
 * All records of a sample of which few are of interest: those with quotes, and those that begin as
 * comments do. To evaluate a dialect, some hundred records suffice; but what is rare shows in the
 * whole sample only.
 */
import { Fault } from '../../../model/reject-codes.js';
import { CR, LF } from '../../text/line-end.js';
import { DAMAGE_NONE, RecordBatch } from '../../text/record-batch.js';
import type { SampleParts } from '../../text/sample.js';
import type { Dialect } from '../dialect.js';
import { CsvScanner } from '../scan/csv-scanner.js';
import { readFields } from '../scan/read-fields.js';
import { COMMENT_PREFIXES } from './preamble.js';
import { findFirstRecord } from './sampled-records.js';

const BATCH_RECORDS = 1024;
/** Records with quotes that are read: with more, half of them are no longer rare. */
const MAX_QUOTED = 1000;
const MAX_RAW = 64;

/** A line that begins with a sign of comments. */
export interface MarkedLine {
  /** Whether it is in the head of the sample, and its offset there or in its piece. */
  readonly isOfHead: boolean;
  readonly start: number;
  /** Its first characters. */
  readonly raw: string;
  /** Whether it has the fields of a record. */
  readonly fits: boolean;
  /** Whether the next lines before and behind it that have no such sign are records. */
  readonly isBetweenRecords: boolean;
}

export interface WideSample {
  readonly records: number;
  /** Those without damage that have as many fields as most. */
  readonly fitting: number;
  /** Records with quotes, and those of them that cannot be read, or have a damaged quote. */
  readonly quoted: number;
  readonly faulty: number;
  readonly damaged: number;
  /** Faulty records in which a quote begins a field. */
  readonly opening: number;
  readonly marked: readonly MarkedLine[];
}

/** @param width fields of most records */
export function readWideSample(
  { head, start, isWhole, pieces }: SampleParts,
  dialect: Dialect,
  width: number,
): WideSample {
  const reader = new WideReader(dialect, width, true);
  reader.read(head, start, isWhole);
  for (const piece of pieces) {
    const from = findFirstRecord(piece, dialect, width);
    if (from < 0) continue;
    const ofPiece = new WideReader(dialect, width, false);
    ofPiece.read(piece, from, false);
    // A piece that begins inside quotes has few records that fit.
    if (ofPiece.fitting * 2 >= ofPiece.records) reader.add(ofPiece);
  }
  return reader;
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === LF || byte === CR;
}

class WideReader implements WideSample {
  records = 0;
  fitting = 0;
  quoted = 0;
  faulty = 0;
  damaged = 0;
  opening = 0;
  marked: MarkedLine[] = [];
  readonly #dialect: Dialect;
  readonly #width: number;
  readonly #isOfHead: boolean;
  readonly #signs = new Set(COMMENT_PREFIXES.map((prefix) => prefix.charCodeAt(0)));

  constructor(dialect: Dialect, width: number, isOfHead: boolean) {
    this.#dialect = dialect;
    this.#width = width;
    this.#isOfHead = isOfHead;
  }

  add(other: WideSample): void {
    this.records += other.records;
    this.fitting += other.fitting;
    this.quoted += other.quoted;
    this.faulty += other.faulty;
    this.damaged += other.damaged;
    this.opening += other.opening;
    this.marked = [...this.marked, ...other.marked];
  }

  read(bytes: Buffer, start: number, isAll: boolean): void {
    const { quote } = this.#dialect;
    const batch = new RecordBatch(BATCH_RECORDS);
    const scanner = new CsvScanner(this.#dialect);
    scanner.reset(start);
    let nextQuote = quote === '' ? -1 : bytes.indexOf(quote, start, 'latin1');
    /** Marked lines behind the last record without a sign, and whether that one fits. */
    let open: MarkedLine[] = [];
    let isBeforeFitting = true;
    const close = (isBehindFitting: boolean) => {
      const isBetweenRecords = isBeforeFitting && isBehindFitting;
      this.marked.push(...open.map((line) => ({ ...line, isBetweenRecords })));
      open = [];
    };
    do {
      batch.count = 0;
      scanner.scan(bytes, bytes.length, Number.POSITIVE_INFINITY, true, batch);
      const isAtEnd = scanner.nextRecord >= bytes.length;
      const isWhole =
        isAll || (isLineEnd(bytes.at(-1)) && batch.damage[batch.count - 1] === DAMAGE_NONE);
      const isCutOff = isAtEnd && !isWhole;
      for (let i = 0; i < (isCutOff ? batch.count - 1 : batch.count); i++) {
        const [from, to] = [batch.start[i]!, batch.end[i]!];
        const isDamaged = batch.damage[i] !== DAMAGE_NONE;
        const isFitting = !isDamaged && batch.fieldCount[i] === this.#width;
        this.records++;
        if (isFitting) this.fitting++;
        if (this.#signs.has(bytes[from]!)) {
          const raw = bytes.toString('latin1', from, Math.min(to, from + MAX_RAW));
          const isOfHead = this.#isOfHead;
          open.push({ isOfHead, start: from, raw, fits: isFitting, isBetweenRecords: false });
        } else {
          if (open.length > 0) close(isFitting);
          isBeforeFitting = isFitting;
        }
        if (quote === '' || this.quoted === MAX_QUOTED) continue;
        if (nextQuote >= 0 && nextQuote < from) nextQuote = bytes.indexOf(quote, from, 'latin1');
        if (nextQuote >= from && nextQuote < to) this.#addQuoted(bytes, from, to, isDamaged);
      }
    } while (batch.count === BATCH_RECORDS);
    if (open.length > 0) close(true);
  }

  #addQuoted(bytes: Buffer, from: number, to: number, isDamaged: boolean): void {
    const { quote, delimiter } = this.#dialect;
    this.quoted++;
    const text = bytes.toString('latin1', from, to);
    if (!isDamaged && !(readFields(text, this.#dialect) instanceof Fault)) return;
    this.faulty++;
    if (isDamaged) this.damaged++;
    if (text.startsWith(quote) || text.includes(delimiter + quote)) this.opening++;
  }
}
