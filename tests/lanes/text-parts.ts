/** Parts of texts, each a byte string: one character per byte (latin1). */
import fc from 'fast-check';

export type Text = fc.Arbitrary<string>;

export const pick = (...texts: readonly string[]): Text => fc.constantFrom(...texts);
export const join = (...parts: readonly Text[]): Text =>
  fc.tuple(...parts).map((texts) => texts.join(''));
export const often = (usual: Text, rare: Text, weight = 6): Text =>
  fc.oneof({ arbitrary: usual, weight }, { arbitrary: rare, weight: 1 });
export const bytesOf = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
export const digits = (minLength: number, maxLength: number): Text =>
  fc.string({ unit: pick(...'0123456789'), minLength, maxLength });
export const padded = (min: number, max: number, width: number): Text =>
  fc.integer({ min, max }).map((value) => String(value).padStart(width, '0'));
