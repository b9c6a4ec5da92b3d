/**
 * Rows in an order that is easier on an index: those with the same value of its first column, or near
 * ones, behind each other. Rows of a file are in the order of their time, as often as not, and each of
 * them then goes to another page of the index, which two sessions take from each other row by row.
 * Measured with two sessions, an index of twenty values beside the primary key, 4 million rows in the
 * table: 1.4 times as fast with 100,000 rows at a time, 1.2 times with 10,000.
 *
 * How it works: one pass puts the rows into as many drawers as there are steps between the least and the
 * greatest value, at the most {@link DRAWERS}; in each they stay as they came.
 */

/** Memory for rows that wait, and as much for rows in order. */
const WINDOW_BYTES = 8 * 1024 * 1024;
const WINDOW_ROWS = 128 * 1024;
const DRAWERS = 64 * 1024;

export class RowOrder {
  readonly #column: number;
  #bytes = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  #ordered = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  #length = 0;
  #count = 0;
  readonly #ends = new Uint32Array(WINDOW_ROWS);
  readonly #keys = new Float64Array(WINDOW_ROWS);
  readonly #starts = new Uint32Array(DRAWERS + 1);
  readonly #places = new Uint32Array(WINDOW_ROWS);
  readonly #turns = new Uint32Array(WINDOW_ROWS);

  /** @param column index in the rows */
  constructor(column: number) {
    this.#column = column;
  }

  get rowCount(): number {
    return this.#count;
  }

  /**
   * Takes rows of a binary COPY, from `from` on, as many as there is room for.
   *
   * @returns bytes of `rows` up to which they were taken
   */
  add(rows: Buffer, from: number): number {
    const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    let at = from;
    while (at < rows.length && this.#count < WINDOW_ROWS) {
      const start = at;
      const fields = view.getInt16(at);
      let key = Number.NEGATIVE_INFINITY;
      at += 2;
      for (let i = 0; i < fields; i++) {
        const length = view.getInt32(at);
        at += 4;
        if (length < 0) continue;
        if (i === this.#column) key = readKey(view, at, length);
        at += length;
      }
      if (this.#length + at - start > this.#bytes.length) {
        if (this.#count > 0) return start;
        // A row larger than all of the memory has it to itself.
        this.#bytes = Buffer.allocUnsafeSlow(at - start);
        this.#ordered = Buffer.allocUnsafeSlow(at - start);
      }
      rows.copy(this.#bytes, this.#length, start, at);
      this.#length += at - start;
      this.#ends[this.#count] = this.#length;
      this.#keys[this.#count] = key;
      this.#count++;
    }
    return at;
  }

  /**
   * Gives the rows away in order, in pieces of at most `maxRows`; the next rows may be added when all
   * pieces are done with.
   */
  *take(maxRows: number): Generator<Buffer> {
    const count = this.#count;
    this.#sort();
    let from = 0;
    let length = 0;
    for (let i = 0; i < count; i++) {
      const row = this.#turns[i]!;
      const start = row === 0 ? 0 : this.#ends[row - 1]!;
      length += this.#bytes.copy(this.#ordered, length, start, this.#ends[row]!);
      if ((i + 1) % maxRows === 0 || i === count - 1) {
        yield this.#ordered.subarray(from, length);
        from = length;
      }
    }
    this.#count = 0;
    this.#length = 0;
  }

  #sort(): void {
    const count = this.#count;
    const keys = this.#keys;
    let least = Number.POSITIVE_INFINITY;
    let greatest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const key = keys[i]!;
      if (key > greatest) greatest = key;
      if (key < least && key !== Number.NEGATIVE_INFINITY) least = key;
    }
    const range = greatest - least;
    const scale = range > 0 ? Math.min(1, (DRAWERS - 2) / range) : 0;
    const starts = this.#starts.fill(0);
    const places = this.#places;
    for (let i = 0; i < count; i++) {
      // NULL comes first.
      const key = keys[i]!;
      const drawer = key === Number.NEGATIVE_INFINITY ? 0 : 1 + Math.floor((key - least) * scale);
      places[i] = drawer;
      starts[drawer + 1]!++;
    }
    for (let i = 1; i <= DRAWERS; i++) starts[i]! += starts[i - 1]!;
    for (let i = 0; i < count; i++) this.#turns[starts[places[i]!]!++] = i;
  }
}

/** A number by which values of a column are in about the order of its index. */
function readKey(view: DataView, at: number, length: number): number {
  switch (length) {
    case 2:
      return view.getInt16(at);
    case 4:
      return view.getInt32(at);
    default:
      return length < 8 ? 0 : view.getInt32(at) * 2 ** 32 + view.getUint32(at + 4);
  }
}
