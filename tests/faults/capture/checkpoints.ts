/**
 * What the source has in the middle of a trial. The events of the transactions that such a look can see must give the rows that it
 * sees: at the end of a trial, what was lost of a key has often been written anew.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { foldEvents, type ReadEvent } from '../../capture/fold.js';
import type { Place } from './place.js';
import type { State } from './runs.js';
import { oracles, type Shape } from './source.js';
import { connectPatiently } from './writers.js';

interface Checkpoint {
  /** Of the look: pg_snapshot as text. */
  readonly snapshot: string;
  /** Table → key → row, as events write them. */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, object>>;
}

/** What the end of a transaction evaluates, and the next run once more. */
const CALCULATED = 'total';
const MOST = 30;
const LOCKED = 'regions, legacy_accounts, lines, orders, nodes, tags, tagged, journal, seats';

export class Checkpoints {
  #taken: Checkpoint[] = [];

  get count(): number {
    return this.#taken.length;
  }

  /** A crash may take back what was seen. */
  forget(): void {
    this.#taken = [];
  }

  async takeMany(place: Place, shape: Shape, state: State): Promise<void> {
    let client = await connectPatiently(place.config(place.source));
    while (!state.isOver) {
      await sleep(150);
      const known = this.#taken;
      try {
        await client.query(
          "SET timezone = 'UTC'; SET lock_timeout = '2s'; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        );
        // Under a snapshot that is older than a TRUNCATE, a table is empty too early.
        await client.query(`LOCK TABLE ${LOCKED} IN ACCESS SHARE MODE`);
        const { rows } = await client.query<{ snapshot: string }>(
          'SELECT pg_current_snapshot()::text AS snapshot',
        );
        const tables = new Map<string, Map<string, object>>();
        for (const [name, { events }] of Object.entries(oracles(shape))) {
          const found = await client.query<[object, object]>({ text: events, rowMode: 'array' });
          tables.set(name, new Map(found.rows.map(([key, row]) => [JSON.stringify(key), row])));
        }
        await client.query('COMMIT');
        // Where the server was lost meanwhile, the list is another one.
        known.push({ snapshot: rows[0]!.snapshot, tables });
        if (known.length > MOST) known.splice(Math.floor(Math.random() * MOST), 1);
      } catch {
        await client.end().catch(() => {});
        client = await connectPatiently(place.config(place.source));
      }
    }
    await client.end().catch(() => {});
  }

  /** @param rows runs SQL in the source */
  async judge(
    rows: (sql: string, values: unknown[]) => Promise<unknown[][]>,
    events: ReadonlyMap<string, readonly ReadEvent[]>,
    { changed }: Shape,
  ): Promise<string[]> {
    const ids = [...new Set([...events.values()].flat().map(({ data }) => data.transaction))];
    const faults: string[] = [];
    for (const { snapshot, tables } of this.#taken) {
      const seen = await rows(
        'SELECT id FROM unnest($1::text[]) AS id WHERE pg_visible_in_snapshot(id::xid8, $2::pg_snapshot)',
        [ids, snapshot],
      );
      const visible = new Set(seen.map(([id]) => id as string));
      for (const [name, wanted] of tables) {
        // What was kept, or fired no trigger, is published later by another transaction.
        if (changed.has(name)) continue;
        const own = (events.get(name) ?? []).filter(({ data }) => visible.has(data.transaction));
        for (const { key, fault } of differences(wanted, own)) {
          const history = historyOf(events.get(name) ?? [], key, visible);
          faults.push(`in the middle, ${name} ${key}: ${fault}, seen by ${snapshot}${history}`);
        }
      }
    }
    return faults;
  }
}

interface Difference {
  readonly key: string;
  readonly fault: string;
}

/** Of the keys that the events know, where their fold is not what is wanted. */
export function differences(
  wanted: ReadonlyMap<string, object>,
  own: readonly ReadEvent[],
): Difference[] {
  const found = foldEvents(own);
  const hasTruncate = own.some(({ data }) => data.op === 'truncate');
  const known = new Set(
    own.filter(({ data }) => data.op !== 'update').map(({ data }) => JSON.stringify(data.key)),
  );
  const faults: Difference[] = [];
  for (const key of new Set([...wanted.keys(), ...found.keys()])) {
    // Of a row that was there before, only the snapshot tells.
    if (!hasTruncate && !known.has(key)) continue;
    const [is, must] = [text(found.get(key)), text(wanted.get(key))];
    if (is !== must) faults.push({ key, fault: `is ${is}, must be ${must}` });
  }
  return faults;
}

/**
 * The last events of a key: a later one may have mended what an earlier one said.
 *
 * @param visible what a look sees, where it is about one
 */
export function historyOf(
  events: readonly ReadEvent[],
  key: string,
  visible?: ReadonlySet<string>,
): string {
  const mark = ({ data }: ReadEvent) =>
    visible === undefined || visible.has(data.transaction) ? '' : 'not seen: ';
  return events
    .filter(({ data }) => data.key === undefined || JSON.stringify(data.key) === key)
    .sort((a, b) => (a.sequence < b.sequence ? -1 : 1))
    .map((event) => `\n    ${mark(event)}${event.sequence} ${JSON.stringify(event.data)}`)
    .slice(-12)
    .join('');
}

function text(row: object | undefined): string {
  if (row === undefined) return 'not there';
  const members = Object.entries(row).filter(([name]) => name !== CALCULATED);
  return JSON.stringify(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}
