/** How often something came to pass, over all trials: so that a trial that does nothing is seen. */
export class Counts {
  readonly #counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  merge(other: Counts): void {
    for (const [name, count] of other.#counts) this.add(name, count);
  }

  list(): string[] {
    return [...this.#counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `${name} ${count}`);
  }
}
