/** JSON values of events as their line writes them: JavaScript would round their numbers. */
import { readMembers } from '../jsonl/json-members.js';

/** Numbers that JavaScript may write in another way: long ones, with zeros at the end, with an exponent. */
const NUMBER = String.raw`-?(?:\d[\d.]{15,}|\d+\.\d*0(?!\d)|0[,}\]\s]|\d[\d.]*[eE])`;
const MAY_DIFFER = new RegExp(String.raw`[:,[\s]${NUMBER}`);
/** JSON within strings, too. */
const MAY_DIFFER_WITHIN = new RegExp(String.raw`[:,[\s"]${NUMBER}`);

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
