/**
 * The corrections that a column declares → steps applied to its values, in the same order for all
 * columns. Takes and returns byte strings. Whether a value is valid is decided only by the
 * coercions of coerce.ts and datetime.ts, which come next.
 */
import type { CorrectionName, Corrections } from '../../model/corrections.js';
import { Fault, type RejectCode } from '../../model/reject-codes.js';
import type { ColumnType } from '../../model/types.js';
import { coerceText, decodeBytes, encodeBytes, show } from '../coerce.js';
import { makeCurrency, makeDecimal, makeThousands } from './correct-numbers.js';
import { makeEpoch, makeFormat, makeTruncation, makeZone } from './correct-times.js';
import { makeJsonForm } from './json-forms.js';

interface Step {
  readonly name: CorrectionName;
  apply(text: string): string | null | Fault;
}

const INTEGERS: ReadonlySet<ColumnType> = new Set(['smallint', 'int', 'bigint']);

export class Corrector {
  readonly #steps: readonly Step[];
  readonly #default: string | undefined;
  readonly #isText: boolean;
  /** Corrections that changed the value corrected last. */
  readonly acted: CorrectionName[] = [];

  constructor(corrections: Corrections, type: ColumnType) {
    this.#steps = makeSteps(corrections, type);
    this.#default =
      corrections.default === undefined ? undefined : encodeBytes(corrections.default);
    this.#isText = type === 'text';
  }

  /** @param text null for an unquoted empty field */
  correct(text: string | null): string | null | Fault {
    this.acted.length = 0;
    let value = text;
    for (const { name, apply } of this.#steps) {
      if (value === null || (value === '' && !this.#isText)) break;
      const corrected = apply(value);
      if (corrected instanceof Fault) return corrected;
      if (corrected !== value) this.acted.push(name);
      value = corrected;
    }
    if (this.#default === undefined || !(value === null || (value === '' && !this.#isText))) {
      return value;
    }
    this.acted.push('default');
    return this.#default;
  }

  /** The fault of a corrected value also names the value in the file. */
  explain(fault: Fault, text: string | null): Fault {
    if (text === null || this.acted.length === 0) return fault;
    return new Fault(fault.code, `${fault.reason} (corrected from ${show(text)})`);
  }
}

function makeSteps(corrections: Corrections, type: ColumnType): Step[] {
  const steps: Step[] = [];
  const add = (name: CorrectionName, apply: Step['apply']) => steps.push({ name, apply });
  const badNumber: RejectCode = INTEGERS.has(type) ? 'bad_integer' : 'bad_number';
  const { decimal = '.' } = corrections;

  if (corrections.trim) add('trim', trim);
  if (corrections.nulls !== undefined) {
    const nulls = new Set(corrections.nulls.map(encodeBytes));
    add('nulls', (text) => (nulls.has(text) ? null : text));
  }
  if (corrections.emptyAsNull) add('empty-as-null', (text) => (text === '' ? null : text));
  if (corrections.values !== undefined) {
    const meant = new Map(
      Object.entries(corrections.values).flatMap(([value, spellings]) =>
        spellings.map((spelling) => [encodeBytes(spelling), encodeBytes(value)]),
      ),
    );
    add('values', (text) => meant.get(text) ?? text);
  }
  if (corrections.case !== undefined) {
    const isUpper = corrections.case === 'upper';
    add(
      'case',
      onText((text) => (isUpper ? text.toUpperCase() : text.toLowerCase())),
    );
  }
  if (corrections.storedAs !== undefined) {
    add('stored-as', onText(makeJsonForm(corrections.storedAs, corrections.separator ?? ',')));
  }
  if (corrections.currency !== undefined) {
    add('currency', makeCurrency(corrections.currency.map(encodeBytes)));
  }
  if (corrections.thousands !== undefined) {
    const separator = encodeBytes(corrections.thousands);
    add('thousands', makeThousands(separator, encodeBytes(decimal), badNumber));
  }
  if (decimal !== '.') add('decimal', makeDecimal(encodeBytes(decimal), badNumber));
  if (corrections.format !== undefined) {
    add('format', makeFormat(corrections.format, type === 'date'));
  }
  if (corrections.epoch !== undefined) add('epoch', makeEpoch(corrections.epoch));
  if (corrections.timezone !== undefined) add('timezone', makeZone(corrections.timezone));
  if (corrections.truncate !== undefined) add('truncate', makeTruncation(corrections.truncate));
  return steps;
}

/** Removes blanks, tabs, line ends, and the non-breaking blank (U+00A0, two bytes). */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end) {
    const length = blankAt(text, start) ? 1 : text.startsWith('\xc2\xa0', start) ? 2 : 0;
    if (length === 0) break;
    start += length;
  }
  while (start < end) {
    const length = blankAt(text, end - 1)
      ? 1
      : text.slice(Math.max(start, end - 2), end) === '\xc2\xa0'
        ? 2
        : 0;
    if (length === 0) break;
    end -= length;
  }
  return text.slice(start, end);
}

/** Blank, tab, line feed, vertical tab, form feed, carriage return. */
function blankAt(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code === 32 || (code >= 9 && code <= 13);
}

/**
 * Applies a function that works on letters to decoded text; bytes that are not UTF-8 are a fault.
 */
function onText(apply: (text: string) => string | Fault): Step['apply'] {
  return (bytes) => {
    const valid = coerceText(bytes);
    if (valid instanceof Fault) return valid;
    const result = apply(decodeBytes(bytes));
    return result instanceof Fault ? result : encodeBytes(result);
  };
}
