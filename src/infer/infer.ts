/**
 * The values of a column → the narrowest type that holds them all without losing anything, and why.
 *
 * Pure, and fed value by value: of a sample or of a whole file. What is inferred is what transform/
 * accepts, so that a column of the inferred type takes every value that was seen. When in doubt it
 * is text: `0123` is no number, `1` and `0` are no booleans.
 */
import { Fault } from '../ingest/reject.js';
import {
  coerceBigint,
  coerceDouble,
  coerceJson,
  coerceNumeric,
  coerceUuid,
  decodeBytes,
} from '../ingest/transform/coerce.js';
import { coerceDate, coerceTimestamp } from '../ingest/transform/datetime.js';
import type { ColumnType } from '../model/model.js';

export interface ColumnInference {
  readonly type: ColumnType;
  readonly why: string;
  /** Fields that have a value, which no NULL word is. */
  readonly values: number;
  /** Unquoted empty fields. */
  readonly nulls: number;
  /** Quoted empty fields. */
  readonly emptyStrings: number;
  /** Words that likely stand for NULL, with how often. Where the type is text they may be text. */
  readonly nullTokens: Readonly<Record<string, number>>;
}

/** Words that stand for NULL in the files of many programs. */
const NULL_WORDS = new Set([
  'NA',
  'N/A',
  'n/a',
  '#N/A',
  'NULL',
  'null',
  'Null',
  '\\N',
  'NaN',
  'nan',
  'None',
  'none',
  'nil',
  '-',
  '--',
  '?',
  '.',
]);

const WHOLE = /^-?(?:0|[1-9]\d*)$/;
const DECIMAL = /^-?(?:0|[1-9]\d*)?(?:\.\d+)?(?:[eE][-+]?\d+)?$/;
const BOOLEAN = /^(?:true|false)$/i;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/;
const ZONE = /(?:[Zz]|[-+]\d{2}(?::?\d{2})?)$/;
const UUID = /^[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}$/;

/** A double gives back every decimal of so many digits. */
const MAX_DOUBLE_DIGITS = 15;

/** Kinds of values, each of which is tried until one value does not fit. */
interface Kind {
  readonly name: string;
  fits(text: string): boolean;
}

const KINDS = {
  whole: { name: 'whole number', fits: (text) => WHOLE.test(text) },
  bigint: { name: 'bigint', fits: (text) => !(coerceBigint(text) instanceof Fault) },
  decimal: {
    name: 'number',
    fits: (text) =>
      text !== '' &&
      /\d/.test(text) &&
      DECIMAL.test(text) &&
      !(coerceNumeric(text) instanceof Fault),
  },
  boolean: { name: 'true or false', fits: (text) => BOOLEAN.test(text) },
  date: { name: 'date', fits: (text) => DATE.test(text) && !(coerceDate(text) instanceof Fault) },
  timestamp: {
    name: 'timestamp',
    fits: (text) => TIMESTAMP.test(text) && !(coerceTimestamp(text) instanceof Fault),
  },
  uuid: { name: 'uuid', fits: (text) => UUID.test(text) && !(coerceUuid(text) instanceof Fault) },
  json: {
    name: 'JSON object or list',
    fits: (text) => /^\s*[[{]/.test(text) && !(coerceJson(text, true) instanceof Fault),
  },
} as const satisfies Record<string, Kind>;

type KindName = keyof typeof KINDS;

const MAX_SHOWN = 40;

export class ColumnTypes {
  #values = 0;
  #nulls = 0;
  #emptyStrings = 0;
  readonly #nullTokens = new Map<string, number>();
  /** Kinds that every value so far is of. */
  readonly #alive = new Set<KindName>(Object.keys(KINDS) as KindName[]);
  /** What ended the last of them: the value, and the kind it is not of. */
  #against: { readonly value: string; readonly kind: KindName; readonly after: number } | undefined;
  #minimum = Number.POSITIVE_INFINITY;
  #maximum = Number.NEGATIVE_INFINITY;
  /** Most significant digits of a decimal, and of one that a double does not give back. */
  #digits = 0;
  #lostDigits = 0;
  #hasTrailingZero = false;
  #hasPower = false;
  #isWithinDouble = true;
  #zoned = 0;
  #zoneless = 0;

  /** @param text byte string; `null` is an unquoted empty field */
  add(text: string | null): void {
    if (text === null) {
      this.#nulls++;
      return;
    }
    if (text === '') {
      this.#emptyStrings++;
      return;
    }
    if (NULL_WORDS.has(text)) {
      this.#nullTokens.set(text, (this.#nullTokens.get(text) ?? 0) + 1);
      return;
    }
    this.#values++;
    for (const kind of this.#alive) {
      if (KINDS[kind].fits(text)) continue;
      this.#alive.delete(kind);
      // The kind that lasted longest is the one that a person would have guessed.
      if (this.#values > 1) this.#against = { value: text, kind, after: this.#values - 1 };
    }
    if (this.#alive.has('decimal')) this.#measure(text);
    if (this.#alive.has('timestamp')) {
      if (ZONE.test(text.slice(16))) this.#zoned++;
      else this.#zoneless++;
    }
  }

  conclude(): ColumnInference {
    const { type, why } = this.#decide();
    return {
      type,
      why,
      values: this.#values,
      nulls: this.#nulls,
      emptyStrings: this.#emptyStrings,
      nullTokens: Object.fromEntries(this.#nullTokens),
    };
  }

  #measure(text: string): void {
    const value = Number(text);
    if (value < this.#minimum) this.#minimum = value;
    if (value > this.#maximum) this.#maximum = value;
    const [mantissa = '', power] = text.toLowerCase().split('e');
    const fraction = mantissa.split('.')[1];
    if (power !== undefined) this.#hasPower = true;
    if (fraction?.endsWith('0') && fraction.length > 1) this.#hasTrailingZero = true;
    const digits = mantissa.replace(/[-.]/g, '').replace(/^0+/, '').length;
    if (digits > this.#digits) this.#digits = digits;
    if (digits > MAX_DOUBLE_DIGITS && digits > this.#lostDigits && String(value) !== text) {
      this.#lostDigits = digits;
    }
    if (coerceDouble(text) instanceof Fault) this.#isWithinDouble = false;
  }

  #decide(): { type: ColumnType; why: string } {
    const count = this.#values;
    const all = count === 1 ? 'the one value is' : `all ${count} values are`;
    const plural = (one: string, many: string) => `${all} ${count === 1 ? one : many}`;
    const alive = this.#alive;
    const tokens = [...this.#nullTokens].map(([word, times]) => `${times} × ${word}`).join(', ');
    const apart = tokens === '' ? '' : `, apart from ${tokens}`;
    if (count === 0) {
      if (tokens !== '') return { type: 'text', why: `only ${tokens}` };
      return { type: 'text', why: 'no values' };
    }
    if (alive.has('boolean')) return { type: 'boolean', why: `${all} true or false${apart}` };
    if (alive.has('whole')) {
      const range = `from ${this.#minimum} to ${this.#maximum}${apart}`;
      const whole = plural('a whole number', 'whole numbers');
      if (this.#minimum >= -2_147_483_648 && this.#maximum <= 2_147_483_647) {
        return { type: 'int', why: `${whole}, ${range}` };
      }
      if (alive.has('bigint')) return { type: 'bigint', why: `${whole}, ${range}` };
      return { type: 'numeric', why: `${whole}, some too large for bigint${apart}` };
    }
    if (alive.has('decimal')) {
      const numbers = plural('a number', 'numbers');
      if (!this.#isWithinDouble || this.#lostDigits > 0) {
        const most = `with up to ${this.#digits} digits, which a double does not hold`;
        return { type: 'numeric', why: `${numbers}, ${most}${apart}` };
      }
      if (this.#hasTrailingZero && !this.#hasPower) {
        return {
          type: 'numeric',
          why: `${numbers} with decimals that end in zeros, as amounts do${apart}`,
        };
      }
      return { type: 'double', why: `${numbers} of at most ${this.#digits} digits${apart}` };
    }
    if (alive.has('date')) return { type: 'date', why: `${plural('a date', 'dates')}${apart}` };
    if (alive.has('timestamp') && (this.#zoned === 0 || this.#zoneless === 0)) {
      return this.#zoned > 0
        ? { type: 'timestamptz', why: `${plural('a time', 'times')} with a zone${apart}` }
        : { type: 'timestamp', why: `${plural('a time', 'times')} without a zone${apart}` };
    }
    if (alive.has('timestamp')) {
      return { type: 'text', why: 'times, of which some have a zone and some have none' };
    }
    if (alive.has('uuid')) return { type: 'uuid', why: `${plural('a uuid', 'uuids')}${apart}` };
    if (alive.has('json')) {
      return { type: 'jsonb', why: `${plural('JSON', 'JSON')}${apart}` };
    }
    return { type: 'text', why: this.#explainText() };
  }

  #explainText(): string {
    const against = this.#against;
    if (against === undefined || against.after === 0) return 'the values are text';
    const text = decodeBytes(against.value.slice(0, MAX_SHOWN * 4));
    const shown = JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
    const kind = KINDS[against.kind].name;
    return `${shown} is no ${kind}, as the ${against.after === 1 ? 'value' : `${against.after} values`} before it`;
  }
}
