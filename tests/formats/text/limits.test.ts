/** The documents give the limits that the program has. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  KEPT_OF_LONG_RECORD,
  MAX_HEADER_BYTES,
  MAX_RECORD_BYTES,
} from '../../../src/formats/text/limits.js';

const UNITS: Readonly<Record<string, number>> = {
  kB: 1024,
  KB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
};

it.each<[document: string, sentence: RegExp, bytes: number]>([
  ['README.md', /A record is at most (\d+) ([kMG]B) long/, MAX_RECORD_BYTES],
  ['README.md', /a header at most (\d+) ([kMG]B)/, MAX_HEADER_BYTES],
  ['docs/csv.md', /a record of more than (\d+) ([KMG]B)/, MAX_RECORD_BYTES],
  ['docs/csv.md', /its first (\d+) ([KMG]B) are kept/, KEPT_OF_LONG_RECORD],
  ['docs/csv.md', /A record may have up to (\d+) ([KMG]B)/, MAX_RECORD_BYTES],
  ['docs/csv.md', /no header, which has (\d+) ([KMG]B) at most/, MAX_HEADER_BYTES],
])('%s: %s', (document, sentence, bytes) => {
  const text = readFileSync(new URL(`../../../${document}`, import.meta.url), 'utf8');
  const [, number, unit] = sentence.exec(text) ?? [];
  expect(Number(number) * UNITS[unit ?? '']!).toBe(bytes);
});
