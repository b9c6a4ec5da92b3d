/** The library of character encodings. It is loaded when an encoding is used that edp lacks. */
import { createRequire } from 'node:module';

interface Iconv {
  /** Codecs and aliases by name; null before the first look-up. */
  readonly encodings: Readonly<Record<string, unknown>> | null;
  encodingExists(name: string): boolean;
  decode(bytes: Uint8Array, name: string, options?: { stripBOM?: boolean }): string;
  encode(text: string, name: string, options?: { addBOM?: boolean }): Buffer;
}

const require = createRequire(import.meta.url);
let library: Iconv | undefined;

export function iconv(): Iconv {
  library ??= require('iconv-lite') as Iconv;
  return library;
}
