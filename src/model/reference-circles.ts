/** Tables that refer to each other, directly or through others, which the model refuses. */

/** Table → those that it refers to. */
export type References = ReadonlyMap<string, Iterable<string>>;

/**
 * The references to leave out, so that the others have no circle, and would have one with each of these. One walk in
 * depth over all of them: a reference closes a circle where it leads back to a table that the walk has come from. A
 * table may refer to itself.
 */
export function findClosing(references: References): ReadonlyMap<string, ReadonlySet<string>> {
  const closing = new Map<string, Set<string>>();
  const isOpen = new Map<string, boolean>();
  for (const start of references.keys()) {
    if (isOpen.has(start)) continue;
    const open = (name: string) => {
      isOpen.set(name, true);
      return { name, rest: iterate(references.get(name) ?? []) };
    };
    const path = [open(start)];
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      const { value: next, done } = last.rest.next();
      if (done === true) {
        isOpen.set(last.name, false);
        path.pop();
      } else if (!isOpen.has(next)) {
        path.push(open(next));
      } else if (isOpen.get(next) === true && next !== last.name) {
        closing.set(last.name, (closing.get(last.name) ?? new Set()).add(next));
      }
    }
  }
  return closing;
}

function iterate<T>(values: Iterable<T>): Iterator<T> {
  return values[Symbol.iterator]();
}
