/** What is wrong with a line that is no JSON object, in the words of a reject. */
import { Fault } from '../../model/reject-codes.js';
import { show } from '../../values/coerce.js';
import { type Broken, readMembers } from './json-members.js';
import { NO_JSON, readString, readValue } from './json-value.js';

export function toBrokenFault(line: Buffer, { at, expected }: Broken): Fault {
  const found = at < line.length ? show(line.toString('latin1', at)) : 'its end';
  return new Fault(
    'bad_record',
    `the line is not a JSON object: ${expected} was expected at byte ${at}, but ${found} was found`,
  );
}

/** Deeper objects are judged as a whole: to look into each takes time that grows with the square of their depth. */
const MOST_LEVELS = 32;

/**
 * @param line as UTF-8
 * @returns the place of the first thing that is wrong with the object in [from, to); undefined where none is
 */
export function findBroken(
  line: Buffer,
  from = 0,
  to = line.length,
  level = 0,
): Broken | undefined {
  return readMembers(line, from, to, (keyFrom, keyTo, valueFrom, valueTo): Broken | undefined => {
    if (readString(line.toString('latin1', keyFrom, keyTo)) === NO_JSON) {
      return { at: keyFrom, expected: 'a JSON string' };
    }
    const json = line.toString('latin1', valueFrom, valueTo);
    if (readValue(json) !== NO_JSON) return undefined;
    const inside =
      json.startsWith('{') && level < MOST_LEVELS
        ? findBroken(line, valueFrom, valueTo, level + 1)
        : undefined;
    return inside ?? { at: valueFrom, expected: 'a JSON value' };
  });
}
