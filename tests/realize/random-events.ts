/** Random events of a table with a key of two columns, of two sources, with everything that is odd. */
import fc from 'fast-check';
import type { PlainEvent } from './oracle.js';

const KEYS = [
  ['1', 'a'],
  ['1', 'b"c\\d'],
  ['2', "o'x [é] {日本}"],
  ['-3', ''],
];

const attributes = fc.dictionary(
  fc.constantFrom('name', 'amount', 'extra'),
  fc.constantFrom('x', 'y', null),
  { minKeys: 1, maxKeys: 3 },
);

const anyEvent: fc.Arbitrary<PlainEvent> = fc
  .record({
    place: fc.nat(KEYS.length - 1),
    sequence: fc.integer({ min: 1, max: 25 }),
    source: fc.constantFrom('edp:a', 'edp:a', 'edp:b'),
    op: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('create' as const, 'delete' as const) },
      { weight: 5, arbitrary: fc.constant('update' as const) },
      { weight: 1, arbitrary: fc.constantFrom('read' as const, 'truncate' as const) },
    ),
    time: fc.integer({ min: 0, max: 12 }),
    change: attributes,
    hasBefore: fc.boolean(),
  })
  .map(({ place, op, sequence, source, time, change, hasBefore }) => ({
    key: op === 'truncate' ? [] : KEYS[place]!,
    sequence,
    source,
    op,
    time: Date.UTC(2026, 10, 29, 10, 0, time),
    ...(op === 'delete' || op === 'truncate' ? {} : { after: change }),
    ...(op === 'delete' && hasBefore ? { before: change } : {}),
  }));

export function placeOf({ key, sequence, source }: PlainEvent): string {
  return JSON.stringify([key, sequence, source]);
}

/** Each place once. */
export const someEvents = fc.uniqueArray(anyEvent, {
  selector: placeOf,
  minLength: 8,
  maxLength: 40,
  size: 'max',
});

/** Mostly updates, of one source, in their order, with times that go on: what a capture writes. */
export const steadyEvents = fc
  .array(
    fc.record({
      place: fc.nat(1),
      isUpdate: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
      pause: fc.integer({ min: -1, max: 2 }),
      change: attributes,
    }),
    { minLength: 8, maxLength: 30, size: 'max' },
  )
  .map((drafts) => {
    let time = Date.UTC(2026, 10, 29);
    const live = new Set<number>();
    return drafts.map(({ place, isUpdate, pause, change }, i): PlainEvent => {
      time += pause * 1000;
      const op = !live.has(place) ? 'create' : isUpdate ? 'update' : 'delete';
      if (op === 'delete') live.delete(place);
      else live.add(place);
      return {
        key: KEYS[place]!,
        sequence: i + 1,
        source: 'edp:a',
        op,
        time,
        ...(op === 'delete' ? {} : { after: change }),
      };
    });
  });
