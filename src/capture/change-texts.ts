/**
 * What a trigger keeps of a change → the texts of its event. The writer's transaction pays for the values only, as an array of their plain texts;
 * what they become in JSON is worked out here, by the shape that the row names.
 */
import type { Op } from '../events/change-event.js';
import { type ValueKind, valueJson } from './value-json.js';

/** What the values of an array are. */
export interface Shape {
  /** Places of the key's attributes. */
  readonly key: readonly number[];
  readonly attributes: readonly ShapeAttribute[];
}

export type ShapeAttribute = readonly [name: string, kind: ValueKind];

export interface ChangeTexts {
  readonly key: string;
  readonly after: string | null;
  readonly before: string | null;
}

type Values = readonly (string | null)[];

/**
 * @param values in the order of the attributes: all of them for a create or delete. For an update, those after and those before it; what
 *   did not change may be NULL on both sides, and the key on that before.
 */
export function changeTexts(op: Op, { key, attributes }: Shape, values: Values): ChangeTexts {
  const keyText = `{${key.map((i) => pair(attributes[i]!, values[i]!)).join(',')}}`;
  if (op === 'create' || op === 'delete') {
    const row = `{${attributes.map((one, i) => pair(one, values[i]!)).join(',')}}`;
    return op === 'create'
      ? { key: keyText, after: row, before: null }
      : { key: keyText, after: null, before: row };
  }
  const [after, before]: [string[], string[]] = [[], []];
  const lost = new Set(values[2 * attributes.length]?.split(',').filter(Boolean).map(Number));
  for (const [i, attribute] of attributes.entries()) {
    const [now, was] = [values[i]!, values[i + attributes.length]!];
    if ((was === now && !lost.has(i)) || (was === null && key.includes(i))) continue;
    after.push(pair(attribute, now));
    before.push(pair(attribute, was));
  }
  return { key: keyText, after: `{${after.join(',')}}`, before: `{${before.join(',')}}` };
}

function pair([name, kind]: ShapeAttribute, value: string | null): string {
  return `${JSON.stringify(name)}:${valueJson(kind, value)}`;
}
