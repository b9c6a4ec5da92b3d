/**
 * What a change of a table means to those who read its events and rows, in the words of Confluent's Schema Registry.
 * Backward: readers of the new version read what was written by the old one. Forward: readers of the
 * old version read what is written by the new one.
 *
 * The schemas are closed (no other attributes), and what is lacking is NULL to its reader, also where the schema requires
 * it. So an attribute that is added is backward compatible, one that is removed forward compatible.
 */
import type { Migration } from '../model/model.js';
import {
  type Attribute,
  describePresence,
  describeValues,
  isWithin,
  type SchemaShape,
} from './schema-shape.js';

export const COMPATIBILITIES = ['full', 'backward', 'forward', 'none'] as const;
export type Compatibility = (typeof COMPATIBILITIES)[number];

export const DIRECTIONS = ['backward', 'forward'] as const;
type Direction = (typeof DIRECTIONS)[number];

export const CHANGE_KINDS = ['added', 'removed', 'renamed', 'values', 'lacking', 'key'] as const;

export interface ShapeChange {
  readonly kind: (typeof CHANGE_KINDS)[number];
  /** Of the new version, or of the old one where it is removed; undefined for the key. */
  readonly attribute?: string;
  readonly before?: string;
  readonly after?: string;
  readonly breaks: readonly Direction[];
  /** Whether declared steps make old events fit, which would not fit by themselves. */
  readonly isLifted: boolean;
}

/** @param steps of `migrations:` that lead from the old version to the new one, in order */
export function compareShapes(
  older: SchemaShape,
  newer: SchemaShape,
  steps: readonly Migration[] = [],
): ShapeChange[] {
  const lift = liftNames([...older.attributes.keys()], steps);
  return [
    ...keyChanges(older, newer, lift),
    ...attributeChanges(older.attributes, newer.attributes, lift),
    ...attributeChanges(older.added, newer.added, (name) => name),
  ];
}

export function compatibilityOf(changes: readonly ShapeChange[]): Compatibility {
  const breaks = (direction: Direction) => changes.some((one) => one.breaks.includes(direction));
  if (breaks('backward')) return breaks('forward') ? 'none' : 'forward';
  return breaks('forward') ? 'backward' : 'full';
}

/** @returns from a name of the old version to that of the new one; undefined where a step drops it */
function liftNames(
  names: readonly string[],
  steps: readonly Migration[],
): (name: string) => string | undefined {
  const lifted = new Map<string, string | undefined>();
  for (const name of names) {
    let last: string | undefined = name;
    for (const { rename = {}, drop = [] } of steps) {
      if (last === undefined || drop.includes(last)) last = undefined;
      else if (Object.hasOwn(rename, last)) last = rename[last];
    }
    lifted.set(name, last);
  }
  return (name) => lifted.get(name);
}

function keyChanges(
  older: SchemaShape,
  newer: SchemaShape,
  lift: (name: string) => string | undefined,
): ShapeChange[] {
  const isSame =
    older.key.map(lift).join('\0') === newer.key.join('\0') &&
    older.key.every((name) => lift(name) === name);
  if (isSame) return [];
  const change = { before: older.key.join(', '), after: newer.key.join(', ') };
  return [{ kind: 'key', ...change, breaks: [...DIRECTIONS], isLifted: false }];
}

type Attributes = ReadonlyMap<string, Attribute>;

function attributeChanges(
  older: Attributes,
  newer: Attributes,
  lift: (name: string) => string | undefined,
): ShapeChange[] {
  const changes: ShapeChange[] = [];
  const lifted = new Map<string, string>();
  for (const [name, attribute] of older) {
    const next = lift(name);
    if (next === undefined || !newer.has(next)) {
      // Dropped by a step, an old event no longer has it.
      const isLifted = next === undefined;
      const breaks: Direction[] = isLifted ? [] : ['backward'];
      const before = describeValues(attribute);
      changes.push({ kind: 'removed', attribute: name, before, breaks, isLifted });
      continue;
    }
    lifted.set(next, name);
    changes.push(...renaming(name, next), ...compareValues(next, attribute, newer.get(next)!));
  }
  for (const [name, attribute] of newer) {
    if (lifted.has(name)) continue;
    const after = describeValues(attribute);
    changes.push({ kind: 'added', attribute: name, after, breaks: ['forward'], isLifted: false });
  }
  return changes;
}

function renaming(before: string, after: string): ShapeChange[] {
  if (before === after) return [];
  return [
    { kind: 'renamed', attribute: after, before, after, breaks: ['forward'], isLifted: true },
  ];
}

function compareValues(name: string, older: Attribute, newer: Attribute): ShapeChange[] {
  if (older.text === newer.text) {
    if (older.isOptional === newer.isOptional) return [];
    const said = { before: describePresence(older), after: describePresence(newer) };
    return [{ kind: 'lacking', attribute: name, ...said, breaks: [], isLifted: false }];
  }
  const before = describeValues(older);
  const after = describeValues(newer);
  const breaks: Direction[] = [
    ...(isWithin(older, newer) ? [] : (['backward'] as const)),
    ...(isWithin(newer, older) ? [] : (['forward'] as const)),
  ];
  return [{ kind: 'values', attribute: name, before, after, breaks, isLifted: false }];
}
