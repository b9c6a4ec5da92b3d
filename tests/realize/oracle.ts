/** What realized tables and histories must be: the rules of docs/realize.md, one event after the other. */

export type Op = 'create' | 'update' | 'delete' | 'truncate' | 'read';

export interface PlainEvent {
  /** Texts of the key's values; empty for a truncate. */
  readonly key: readonly string[];
  readonly sequence: number;
  readonly source: string;
  readonly op: Op;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly before?: Readonly<Record<string, unknown>>;
}

export interface RealizedRow {
  readonly key: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly created: number | null;
  readonly updated: number;
  readonly deleted: number | null;
  readonly sequence: number;
}

export interface StateRow {
  readonly key: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly sequence: number;
  readonly from: number;
  readonly to: number | null;
}

export interface Realized {
  readonly rows: readonly RealizedRow[];
  readonly history: readonly StateRow[];
}

/** @param events each once, in any order */
export function realize(events: readonly PlainEvent[]): Realized {
  const keys = new Map<string, PlainEvent[]>();
  for (const event of events) {
    if (event.op === 'truncate') continue;
    const own = keys.get(JSON.stringify(event.key)) ?? [];
    keys.set(JSON.stringify(event.key), [...own, event]);
  }
  const truncates = events.filter(({ op }) => op === 'truncate');
  const rows: RealizedRow[] = [];
  const history: StateRow[] = [];
  for (const [key, own] of keys) {
    const state = new KeyState(JSON.parse(key) as string[]);
    for (const event of [...own, ...truncates].sort(compare)) state.take(event);
    rows.push(...state.row());
    history.push(...state.states());
  }
  return { rows, history };
}

function compare(a: PlainEvent, b: PlainEvent): number {
  return (
    a.sequence - b.sequence ||
    Number(b.op === 'truncate') - Number(a.op === 'truncate') ||
    (a.source < b.source ? -1 : Number(a.source > b.source))
  );
}

/** An attribute that is missing is NULL. */
function isSameState(a: StateRow | undefined, b: StateRow | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const names = [...new Set([...Object.keys(a.attributes), ...Object.keys(b.attributes)])];
  const attributeOf = ({ attributes }: StateRow, name: string) =>
    JSON.stringify(attributes[name] ?? null);
  return names.every((name) => attributeOf(a, name) === attributeOf(b, name));
}

class KeyState {
  readonly #key: readonly string[];
  /** Of the create or read that made the row; undefined before one. */
  #origin: string | undefined;
  #isLive = false;
  #row: RealizedRow | undefined;
  readonly #moments: { state: StateRow | undefined; from: number }[] = [];

  constructor(key: readonly string[]) {
    this.#key = key;
  }

  take(event: PlainEvent): void {
    const { op, time, sequence, source, after = {}, before } = event;
    switch (op) {
      case 'create':
      case 'read':
        this.#origin = source;
        this.#isLive = true;
        this.#set({ attributes: after, created: time, updated: time, deleted: null, sequence });
        break;
      case 'update':
        if (!this.#isLive) return;
        this.#set({
          ...this.#row!,
          attributes: { ...this.#row!.attributes, ...after },
          updated: time,
          sequence,
        });
        break;
      case 'delete': {
        const known = this.#row?.attributes ?? {};
        const attributes = this.#origin === undefined ? (before ?? known) : known;
        const created = this.#row?.created ?? null;
        this.#end({ attributes, created, updated: time, deleted: time, sequence });
        break;
      }
      case 'truncate':
        if (!this.#isLive || this.#origin !== source) return;
        this.#end({ ...this.#row!, updated: time, deleted: time, sequence });
    }
  }

  #set(row: Omit<RealizedRow, 'key'>): void {
    this.#row = { ...row, key: this.#key };
    const { attributes, sequence, updated } = row;
    this.#begin(updated, { key: this.#key, attributes, sequence, from: 0, to: null });
  }

  #end(row: Omit<RealizedRow, 'key'>): void {
    if (this.#isLive) this.#begin(row.updated, undefined);
    this.#isLive = false;
    this.#row = { ...row, key: this.#key };
  }

  #begin(time: number, state: StateRow | undefined): void {
    const last = this.#moments.at(-1);
    // What says again what is known begins no version.
    if (isSameState(last?.state, state)) return;
    const before = last?.from ?? Number.NEGATIVE_INFINITY;
    this.#moments.push({ state, from: Math.max(time, before) });
  }

  row(): RealizedRow[] {
    return this.#row === undefined ? [] : [this.#row];
  }

  states(): StateRow[] {
    return this.#moments.flatMap(({ state, from }, i) => {
      const to = this.#moments[i + 1]?.from ?? null;
      return state === undefined || to === from ? [] : [{ ...state, from, to }];
    });
  }
}
