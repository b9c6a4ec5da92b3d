/** Small integers are noted in a bitmap, which costs a row next to nothing; others in a set. */
const BITMAP_SIZE = 1 << 16;

/** Distinct values of an integer column that refers to another table. */
export class ReferenceValues {
  readonly seen = new Uint8Array(BITMAP_SIZE);
  readonly others = new Set<number>();

  add(value: number): void {
    if (value >= 0 && value < BITMAP_SIZE) this.seen[value] = 1;
    else this.others.add(value);
  }

  /** The values noted so far, which are forgotten. */
  take(): number[] {
    const values = [...this.others];
    this.others.clear();
    for (let value = this.seen.indexOf(1); value >= 0; value = this.seen.indexOf(1, value + 1)) {
      values.push(value);
    }
    this.seen.fill(0);
    return values;
  }
}
