/** A key that an object of a line has twice with different values: nobody knows which one is meant. */
import { encodeBytes } from '../../values/coerce.js';
import { findRepeatedKey } from '../../values/repeated-key.js';

/** A member in the text of JSON; within strings it may look like one. */
const MEMBER = /"\s*:/g;

/**
 * @param event what JSON.parse made of the text: where that has as many members as the text seems to have, none comes twice
 * @returns what is wrong
 */
export function findRepeatedMember(text: string, event: unknown): string | undefined {
  if ((text.match(MEMBER)?.length ?? 0) === countMembers(event)) return undefined;
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
