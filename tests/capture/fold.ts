/** The independent oracle: files of events → rows, by a plain fold as docs/events.md says it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface ReadEvent {
  readonly id: string;
  readonly type: string;
  readonly subject?: string;
  readonly time: string;
  readonly sequence: string;
  readonly data: {
    readonly op: 'create' | 'update' | 'delete' | 'truncate' | 'read';
    readonly key?: Record<string, unknown>;
    readonly after?: Record<string, unknown>;
    readonly before?: Record<string, unknown>;
    readonly errors?: Record<string, string>;
    readonly transaction: string;
  };
}

/** All events of a folder, by table; those that came twice count once. */
export function readEvents(directory: string): Map<string, ReadEvent[]> {
  const tables = new Map<string, ReadEvent[]>();
  for (const table of readdirSync(directory)) {
    const byId = new Map<string, ReadEvent>();
    for (const name of readdirSync(path.join(directory, table))) {
      if (name.startsWith('.')) continue;
      const lines = readFileSync(path.join(directory, table, name), 'utf8').split('\n');
      if (lines.pop() !== '') throw new Error(`${name} has no line end at its end`);
      for (const line of lines) {
        const event = JSON.parse(line) as ReadEvent;
        byId.set(event.id, event);
      }
    }
    tables.set(table, [...byId.values()]);
  }
  return tables;
}

/** The rows that are there, by key. */
export function foldEvents(events: readonly ReadEvent[]): Map<string, Record<string, unknown>> {
  const truncates = events.filter(({ data }) => data.op === 'truncate');
  const byKey = new Map<string, ReadEvent[]>();
  for (const event of events) {
    if (event.data.key === undefined) continue;
    const key = JSON.stringify(event.data.key);
    byKey.set(key, [...(byKey.get(key) ?? []), event]);
  }
  const rows = new Map<string, Record<string, unknown>>();
  for (const [key, own] of byKey) {
    // A truncate of the same number comes first: it ends what is below.
    const ordered = [...truncates, ...own].sort((a, b) =>
      a.sequence === b.sequence ? 0 : a.sequence < b.sequence ? -1 : 1,
    );
    const reset = ordered.findLastIndex(({ data }) => data.op !== 'update');
    const first = ordered[reset]?.data.op;
    if (first !== 'create' && first !== 'read') continue;
    rows.set(key, Object.assign({}, ...ordered.slice(reset).map(({ data }) => data.after)));
  }
  return rows;
}
