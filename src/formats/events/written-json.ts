/** JSON values of events as their line writes them: JavaScript would round their numbers. */
import { readMembers } from '../jsonl/json-members.js';
import { ENDS_NUMBER, lossyNumber } from './read-exact.js';

const MAY_DIFFER = differingNumber(String.raw`[:,[\s]`, ENDS_NUMBER);
/** JSON within strings, too, in which white space is escaped. */
const MAY_DIFFER_WITHIN = differingNumber(
  String.raw`(?:[:,[\s"]|\\[nrt])`,
  String.raw`${ENDS_NUMBER}"\\`,
);

/** Zero with a minus is none that loses digits, but its sign. */
function differingNumber(before: string, ends: string): RegExp {
  return new RegExp(`${before}(?:${lossyNumber(ends)}|-0(?=[${ends}]))`);
}

/** Whether a line may have numbers that JavaScript writes in another way. */
export function mayDiffer(line: string, isWithinStrings: boolean): boolean {
  return (isWithinStrings ? MAY_DIFFER_WITHIN : MAY_DIFFER).test(line);
}

/**
 * @param line as UTF-8, valid JSON
 * @param path names of objects, from outside
 * @returns the members of that object as they are written; of a name that comes twice, the last, as JSON.parse takes it
 */
export function writtenMembers(line: Buffer, path: readonly string[]): ReadonlyMap<string, string> {
  let from = 0;
  let to = line.length;
  for (const name of path) {
    const [start, end] = placesOf(line, from, to).get(name) ?? [to, to];
    from = start;
    to = end;
  }
  const places = placesOf(line, from, to);
  return new Map(
    [...places].map(([name, [start, end]]) => [name, line.toString('utf8', start, end)]),
  );
}

function placesOf(
  line: Buffer,
  from: number,
  to: number,
): ReadonlyMap<string, readonly [from: number, to: number]> {
  const found = new Map<string, readonly [number, number]>();
  readMembers(line, from, to, (keyFrom, keyTo, valueFrom, valueTo) => {
    found.set(JSON.parse(line.toString('utf8', keyFrom, keyTo)) as string, [valueFrom, valueTo]);
    return undefined;
  });
  return found;
}

/**
 * @param value parsed, maybe corrected
 * @param written what the line has for it; JSON within a string, too
 * @returns JSON of the value: as it is written, unless that is another value
 */
export function keepDigits(value: unknown, written: string | undefined): string {
  const plain = JSON.stringify(value);
  if (written === undefined) return plain;
  const inside: unknown = JSON.parse(written);
  if (JSON.stringify(inside) === plain) return written;
  return typeof inside === 'string' && isJsonOf(inside, plain) ? inside : plain;
}

function isJsonOf(text: string, plain: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === plain;
  } catch {
    return false;
  }
}
