/** Which references close circles. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findClosing, type References } from '../../src/model/reference-circles.js';

function closingOf(edges: readonly (readonly [string, string])[]): string[] {
  const closing = findClosing(toReferences(edges));
  return [...closing].flatMap(([from, targets]) => [...targets].map((to) => `${from} → ${to}`));
}

function toReferences(edges: readonly (readonly [string, string])[]): References {
  const references = new Map<string, Set<string>>();
  for (const [from, to] of edges) references.set(from, (references.get(from) ?? new Set()).add(to));
  return references;
}

describe('references that close a circle', () => {
  it.each<[string, readonly (readonly [string, string])[], string[]]>([
    [
      'none',
      [
        ['a', 'b'],
        ['b', 'c'],
        ['a', 'c'],
      ],
      [],
    ],
    [
      'two tables',
      [
        ['a', 'b'],
        ['b', 'a'],
      ],
      ['b → a'],
    ],
    [
      'three tables',
      [
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'a'],
      ],
      ['c → a'],
    ],
    [
      'a table and itself',
      [
        ['a', 'a'],
        ['a', 'b'],
      ],
      [],
    ],
    [
      'a way that ends',
      [
        ['a', 'b'],
        ['c', 'b'],
        ['c', 'a'],
      ],
      [],
    ],
  ])('%s', (_, edges, expected) => {
    expect(closingOf(edges)).toEqual(expected);
  });

  it('are as few as needed: without them there is no circle, with each of them one', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, name), { selector: String, maxLength: 20 }),
        (edges) => {
          const closing = findClosing(toReferences(edges));
          const isClosing = ([from, to]: readonly [string, string]) =>
            closing.get(from)?.has(to) === true;
          const kept = edges.filter((edge) => !isClosing(edge));
          for (const [from, to] of kept) expect(from !== to && leads(kept, to, from)).toBe(false);
          for (const [from, to] of edges.filter(isClosing))
            expect(leads(kept, to, from)).toBe(true);
        },
      ),
    );
  });

  function leads(edges: readonly (readonly [string, string])[], from: string, to: string): boolean {
    const seen = new Set([from]);
    for (const one of seen) for (const [a, b] of edges) if (a === one) seen.add(b);
    return seen.has(to);
  }

  it('of many tables are found in one walk', () => {
    const count = 20_000;
    const edges = Array.from(
      { length: count },
      (_, i) => [`t${i}`, `t${(i + 1) % count}`] as const,
    );
    expect(closingOf(edges)).toEqual([`t${count - 1} → t0`]);
  });
});
