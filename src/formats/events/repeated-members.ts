/** A key that an object of a line has twice with different values: nobody knows which one is meant. */
import { encodeBytes } from '../../values/coerce.js';
import { findRepeatedKey } from '../../values/repeated-key.js';

const [QUOTE, SPACE] = ['"'.charCodeAt(0), ' '.charCodeAt(0)];

/** Colons behind a quote, maybe with blanks between them: members, and what looks like one within a string. */
function countColons(text: string): number {
  let count = 0;
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    let before = at - 1;
    // JSON has no other blanks, and what is less than a space within a string is no valid JSON.
    while (text.charCodeAt(before) <= SPACE) before--;
    if (text.charCodeAt(before) === QUOTE) count++;
  }
  return count;
}

/**
 * @param event what JSON.parse made of the text: where that has as many members as the text seems to have, none comes twice
 * @returns what is wrong
 */
export function findRepeatedMember(text: string, event: unknown): string | undefined {
  if (countColons(text) === countMembers(event)) return undefined;
  return findRepeatedKey(encodeBytes(text));
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const one of value) count += countMembers(one);
    return count;
  }
  for (const name in value) count += 1 + countMembers((value as Record<string, unknown>)[name]);
  return count;
}
