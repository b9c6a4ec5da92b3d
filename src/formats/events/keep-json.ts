/** JSON values of events with the digits of their numbers, which JavaScript would round. */
import { LosslessNumber, parse, stringify } from 'lossless-json';
import { isObject } from './raw-change.js';

type Attributes = Readonly<Record<string, unknown>>;

/**
 * @param attributes parsed, corrected and lifted
 * @param names of those that hold JSON
 * @param line in which the JSON is written
 * @returns JSON of the attributes
 */
export function keepJson(attributes: Attributes, names: readonly string[], line: string): string {
  const written = readLossless(line);
  const kept = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => {
      if (!names.includes(name)) return [name, value];
      const same = written.find((one) => JSON.stringify(toPlain(one)) === JSON.stringify(value));
      return [name, same ?? value];
    }),
  );
  return stringify(kept) ?? '{}';
}

/** All members of all objects of the line: an attribute may have had another name. */
function readLossless(line: string): unknown[] {
  const found: unknown[] = [];
  const walk = (value: unknown) => {
    if (value instanceof LosslessNumber) return;
    if (Array.isArray(value)) value.forEach(walk);
    else if (isObject(value)) {
      for (const member of Object.values(value)) {
        found.push(member);
        walk(member);
      }
    }
  };
  walk(parse(line, undefined, { onDuplicateKey: ({ newValue }) => newValue }));
  return found;
}

function toPlain(value: unknown): unknown {
  if (value instanceof LosslessNumber) return Number(value.value);
  if (Array.isArray(value)) return value.map(toPlain);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toPlain(member)]));
}
