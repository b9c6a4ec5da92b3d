/**
 * JSON text → the same text for all JSON texts that jsonb holds as the same value: keys sorted,
 * only the last of a repeated key, no spaces, numbers as numeric prints them (with their scale),
 * strings escaped in one way.
 *
 * edp has its own parser because both known ones lose something: JSON.parse loses digits,
 * lossless-json the last of repeated keys. The input is valid: the server printed it, or the csv
 * lane accepted it.
 */
import { coerceNumeric } from '../../values/coerce.js';

export interface CanonicalOptions {
  /** Whether 1.0 and 1.00 are the same number, as in jsonb's own equality. */
  readonly ignoresScale: boolean;
}

const EXACT: CanonicalOptions = { ignoresScale: false };

/**
 * @throws RangeError for JSON nested deeper than the stack; SyntaxError for text that is no JSON
 */
export function canonicalJson(text: string, options: CanonicalOptions = EXACT): string {
  const reader = new JsonReader(text, options);
  const value = reader.value();
  reader.end();
  return value;
}

/**
 * The members of a JSON object, each as canonical JSON, by key.
 *
 * @returns undefined where the text is no object
 */
export function canonicalMembers(text: string): Map<string, string> | undefined {
  const reader = new JsonReader(text, EXACT);
  const members = reader.members();
  if (members !== undefined) reader.end();
  return members;
}

/** The object of these members, in the form of {@link canonicalJson}. */
export function joinMembers(members: ReadonlyMap<string, string>): string {
  const keys = [...members.keys()].sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${members.get(key)}`).join(',')}}`;
}

/** A JSON number as jsonb prints it. */
export function canonicalNumber(text: string, { ignoresScale }: CanonicalOptions = EXACT): string {
  if (!ignoresScale && /^-?[1-9]\d*$/.test(text)) return text;
  const value = coerceNumeric(text);
  // Out of range for numeric, so jsonb cannot hold it.
  if (typeof value === 'number' || !('digits' in value)) return text;
  const { digits, exponent } = value;
  const whole = exponent >= 0 ? digits + '0'.repeat(exponent) : digits.slice(0, exponent);
  let fraction = exponent >= 0 ? '' : digits.slice(exponent).padStart(-exponent, '0');
  fraction = ignoresScale ? fraction.replace(/0+$/, '') : fraction.padEnd(value.scale, '0');
  const sign = value.isNegative ? '-' : '';
  return `${sign}${digits === '' ? '0' : whole || '0'}${fraction === '' ? '' : `.${fraction}`}`;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

class JsonReader {
  readonly #text: string;
  readonly #options: CanonicalOptions;
  #position = 0;

  constructor(text: string, options: CanonicalOptions) {
    this.#text = text;
    this.#options = options;
  }

  end(): void {
    this.#skipSpaces();
    if (this.#position < this.#text.length) this.#fail();
  }

  value(): string {
    this.#skipSpaces();
    switch (this.#text[this.#position]) {
      case '{':
        return joinMembers(this.members()!);
      case '[':
        return this.#list();
      case '"':
        return JSON.stringify(this.#string());
      case 't':
        return this.#word('true');
      case 'f':
        return this.#word('false');
      case 'n':
        return this.#word('null');
      default:
        return this.#number();
    }
  }

  /** @returns undefined where no object begins */
  members(): Map<string, string> | undefined {
    this.#skipSpaces();
    if (this.#text[this.#position] !== '{') return undefined;
    this.#position++;
    const members = new Map<string, string>();
    if (this.#takes('}')) return members;
    do {
      this.#skipSpaces();
      const key = this.#string();
      if (!this.#takes(':')) this.#fail();
      members.set(key, this.value());
    } while (this.#takes(','));
    if (!this.#takes('}')) this.#fail();
    return members;
  }

  #list(): string {
    this.#position++;
    if (this.#takes(']')) return '[]';
    const values: string[] = [];
    do values.push(this.value());
    while (this.#takes(','));
    if (!this.#takes(']')) this.#fail();
    return `[${values.join(',')}]`;
  }

  #string(): string {
    const text = this.#text;
    const start = this.#position;
    if (text.charCodeAt(start) !== QUOTE) this.#fail();
    let isEscaped = false;
    for (let at = start + 1; ; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#position = at + 1;
        return isEscaped
          ? (JSON.parse(text.slice(start, at + 1)) as string)
          : text.slice(start + 1, at);
      }
      if (code === BACKSLASH) {
        isEscaped = true;
        at++;
      } else if (Number.isNaN(code)) {
        this.#fail();
      }
    }
  }

  #number(): string {
    NUMBER.lastIndex = this.#position;
    const match = NUMBER.exec(this.#text);
    if (match === null) this.#fail();
    this.#position += match[0].length;
    return canonicalNumber(match[0], this.#options);
  }

  #word(word: string): string {
    if (!this.#text.startsWith(word, this.#position)) this.#fail();
    this.#position += word.length;
    return word;
  }

  #takes(character: string): boolean {
    this.#skipSpaces();
    if (this.#text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  #skipSpaces(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#position);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#position++;
    }
  }

  #fail(): never {
    throw new SyntaxError(`not JSON at ${this.#position}`);
  }
}
