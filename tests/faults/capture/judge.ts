/**
 * What is wrong after a trial. The source's tables, mapped by SQL that is written by hand, must be what the events say by a plain fold,
 * what the warehouses have, and what their histories end with; and the stream must be sound by itself. So it must be without the
 * snapshots, which mend what was lost.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { foldEvents, type ReadEvent } from '../../capture/fold.js';
import { type Checkpoints, differences, historyOf } from './checkpoints.js';
import type { Journal, Written } from './journal.js';
import type { Follower, Place } from './place.js';
import { type Oracle, oracles, type Shape, SNAPSHOT_NUMBERS } from './source.js';

const MOST = 4;

export async function judge(
  place: Place,
  shape: Shape,
  journal: Journal,
  checkpoints: Checkpoints,
): Promise<string[]> {
  const faults: string[] = [];
  const [files, table] = place.followers;
  await withRows(place, place.source, async (rows) => {
    for (const [name, sql] of LEFTOVERS) {
      for (const row of await rows(sql)) faults.push(`${name}: ${JSON.stringify(row)}`);
    }
    const snapshots = new Set((await rows(SNAPSHOT_NUMBERS)).map(([number]) => number as string));
    const events = readStream(path.join(files.folder, 'out'), snapshots, faults);
    await judgeTransactions(rows, events, faults);
    const oracleOf = oracles(shape);
    for (const [name, { events: sql }] of Object.entries(oracleOf)) {
      compareRows(
        `events of ${name}`,
        await mapOf(rows, sql),
        foldOf(events.get(name)),
        faults,
        (key) => historyOf(events.get(name) ?? [], key),
      );
    }
    for (const [name, { events: sql }] of Object.entries(oracleOf)) {
      if (shape.changed.has(name)) continue;
      const changes = (events.get(name) ?? []).filter((one) => !isRead(one, snapshots));
      const wanted = new Map(
        (await rows(sql)).map(([key, row]) => [JSON.stringify(key), row as object]),
      );
      const own = differences(wanted, changes).map(
        ({ key, fault }) =>
          `without the snapshots, ${name} ${key}: ${fault}${historyOf(events.get(name)!, key)}`,
      );
      faults.push(...shorten(own));
    }
    faults.push(...shorten(await checkpoints.judge(rows, events, shape)));
    const changes = (events.get('journal') ?? []).filter((one) => !isRead(one, snapshots));
    faults.push(...shorten(journal.judge(journalOf(changes))));
    const wanted = new Map<string, Map<string, string>>();
    for (const [name, { source }] of Object.entries(oracleOf)) {
      wanted.set(name, await mapOf(rows, source));
    }
    for (const follower of [files, table]) {
      await judgeWarehouse(place, follower, oracleOf, wanted, { events, snapshots }, faults);
    }
  });
  return faults;
}

const LEFTOVERS: readonly [string, string][] = [
  ['not mapped', 'SELECT source, error FROM edp_capture.unmapped LIMIT 2'],
  ['calculations that are due', 'SELECT model FROM edp_capture.due LIMIT 2'],
  ['touched keys that are left', 'SELECT model FROM edp_capture.touched LIMIT 2'],
  ['a touched transaction that is left', 'SELECT xid FROM edp_capture.at_commit LIMIT 2'],
];

interface Stream {
  readonly events: ReadonlyMap<string, readonly ReadEvent[]>;
  /** Numbers of all snapshots. */
  readonly snapshots: ReadonlySet<string>;
}

/** Whether it is of a snapshot, which ends with a truncate; each warehouse has its own ones. */
function isRead({ sequence, data }: ReadEvent, snapshots: ReadonlySet<string>): boolean {
  return data.op === 'read' || (data.op === 'truncate' && snapshots.has(String(BigInt(sequence))));
}

type Rows = (sql: string, values?: unknown[]) => Promise<unknown[][]>;

async function withRows(
  place: Place,
  database: string,
  work: (rows: Rows) => Promise<void>,
): Promise<void> {
  const client = new pg.Client(place.config(database));
  await client.connect();
  try {
    await client.query("SET timezone = 'UTC'");
    await work(
      async (sql, values = []) =>
        (await client.query<unknown[]>({ text: sql, values, rowMode: 'array' })).rows,
    );
  } finally {
    await client.end();
  }
}

/** All events of the files, by table; an event that was sent twice is there once, and must be the same. */
function readStream(
  directory: string,
  snapshots: ReadonlySet<string>,
  faults: string[],
): Map<string, ReadEvent[]> {
  const tables = new Map<string, ReadEvent[]>();
  for (const table of readdirSync(directory)) {
    const byId = new Map<string, { line: string; event: ReadEvent }>();
    const numbers = new Map<string, string>();
    for (const name of readdirSync(path.join(directory, table))) {
      if (name.startsWith('.')) {
        if (name.includes('.default.')) faults.push(`${table}/${name} is left`);
        continue;
      }
      const lines = readFileSync(path.join(directory, table, name), 'utf8').split('\n');
      if (lines.pop() !== '') faults.push(`${table}/${name} has no line end at its end`);
      for (const line of lines) {
        const event = JSON.parse(line) as ReadEvent;
        const there = byId.get(event.id);
        // A snapshot that was killed may read a row twice, and end twice: a look may see the first of the two only.
        if (there !== undefined && there.line !== line && !isRead(event, snapshots)) {
          faults.push(`two events with one id:\n  ${there.line}\n  ${line}`);
        }
        if (there === undefined || isEarlier(event, there.event))
          byId.set(event.id, { line, event });
        const number = `${event.subject ?? ''} ${event.sequence}`;
        const other = numbers.get(number);
        if (other !== undefined && other !== event.id) {
          faults.push(`${table}: two events of ${number}: ${other}, ${event.id}`);
        }
        numbers.set(number, event.id);
      }
    }
    tables.set(
      table,
      [...byId.values()].map(({ event }) => event),
    );
  }
  return tables;
}

function isEarlier(one: ReadEvent, other: ReadEvent): boolean {
  return BigInt(one.data.transaction) < BigInt(other.data.transaction);
}

/** Only what is committed is published. */
async function judgeTransactions(
  rows: Rows,
  events: ReadonlyMap<string, readonly ReadEvent[]>,
  faults: string[],
): Promise<void> {
  const ids = new Set([...events.values()].flat().map(({ data }) => data.transaction));
  const found = await rows(
    "SELECT id FROM unnest($1::text[]) AS id WHERE CASE WHEN id::xid8 < pg_snapshot_xmax(pg_current_snapshot()) THEN pg_xact_status(id::xid8) END IS DISTINCT FROM 'committed'",
    [[...ids]],
  );
  for (const [id] of found.slice(0, MOST)) {
    const one = [...events.values()].flat().find(({ data }) => data.transaction === id);
    faults.push(`an event of transaction ${id}, which is not committed: ${JSON.stringify(one)}`);
  }
}

async function mapOf(rows: Rows, sql: string): Promise<Map<string, string>> {
  const text = (value: unknown) => (typeof value === 'string' ? value : canonical(value as object));
  const list = await rows(sql);
  return new Map(
    list.map(([key, row]) => [typeof key === 'string' ? key : JSON.stringify(key), text(row)]),
  );
}

function foldOf(events: readonly ReadEvent[] = []): Map<string, string> {
  return new Map([...foldEvents(events)].map(([key, row]) => [key, canonical(row)]));
}

function canonical(row: object): string {
  return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function compareRows(
  what: string,
  wanted: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
  faults: string[],
  explain: (key: string) => string = () => '',
): void {
  const own: string[] = [];
  for (const [key, row] of wanted) {
    const is = found.get(key);
    if (is !== row)
      own.push(`${what} ${key}: is ${is ?? 'not there'}, must be ${row}${explain(key)}`);
  }
  for (const [key, row] of found) {
    if (!wanted.has(key)) own.push(`${what} ${key}: must not be there: ${row}${explain(key)}`);
  }
  faults.push(...shorten(own));
}

function shorten(list: readonly string[]): string[] {
  return list.length <= MOST
    ? [...list]
    : [...list.slice(0, MOST), `… and ${list.length - MOST} more`];
}

async function judgeWarehouse(
  place: Place,
  { database, consumer }: Follower,
  oracleOf: Readonly<Record<string, Oracle>>,
  wanted: ReadonlyMap<string, Map<string, string>>,
  stream: Stream,
  faults: string[],
): Promise<void> {
  await withRows(place, database, async (rows) => {
    for (const row of await rows(
      "SELECT code, count(*)::int, min(reason), min(left(convert_from(raw, 'UTF8'), 600)) FROM edp.rejects GROUP BY 1 LIMIT 3",
    )) {
      faults.push(`${consumer}: rejects: ${JSON.stringify(row)}`);
    }
    for (const [name, { realized, hasHistory, losesDeleted }] of Object.entries(oracleOf)) {
      const what = `${consumer}: ${name}`;
      const [[isThere, kept] = []] = await rows(
        "SELECT to_regclass($1) IS NOT NULL, (SELECT count(*)::int FROM change_events WHERE table_name = $1 AND op <> 'truncate')",
        [name],
      );
      if (isThere !== true) {
        // It is made for the first row.
        if (kept === 0 && wanted.get(name)!.size === 0) continue;
        faults.push(`${what}: is not there, and the log has ${String(kept)} events of it`);
        continue;
      }
      const rowsWanted = wanted.get(name)!;
      const live = losesDeleted ? name : `(SELECT * FROM ${name} WHERE deleted_at IS NULL) AS live`;
      compareRows(what, rowsWanted, await mapOf(rows, realized(live)), faults);
      if (!losesDeleted) {
        const deleted = await mapOf(
          rows,
          realized(`(SELECT * FROM ${name} WHERE deleted_at IS NOT NULL) AS gone`),
        );
        const known = new Set([...rowsWanted.keys(), ...deleted.keys()]);
        const lost = (
          await rows(
            `SELECT DISTINCT key FROM change_events WHERE table_name = '${name}' AND op IN ('create', 'read')`,
          )
        )
          .map(([key]) => key as string)
          .filter((key) => !known.has(key) && !known.has(spaced(key)) && !hasKey(known, key));
        faults.push(
          ...shorten(lost.map((key) => `${what} ${key}: has no row that is marked as deleted`)),
        );
      }
      if (hasHistory) {
        const current = realized(`(SELECT * FROM ${name}_history WHERE is_current) AS current`);
        compareRows(`${what}_history`, rowsWanted, await mapOf(rows, current), faults);
        faults.push(...shorten(await judgeHistory(rows, name)));
      }
    }
    await judgeLog(rows, consumer, stream, faults);
  });
}

/** Keys of the log are arrays of texts. */
function hasKey(known: ReadonlySet<string>, key: string): boolean {
  const values = JSON.parse(key) as string[];
  const isNumber = (value: string) => /^-?\d+$/.test(value);
  const text = `[${values.map((value) => (isNumber(value) ? value : JSON.stringify(value))).join(', ')}]`;
  return known.has(text);
}

function spaced(key: string): string {
  return `[${(JSON.parse(key) as string[]).map((value) => JSON.stringify(value)).join(', ')}]`;
}

/** At each moment, a key has one state at most; states follow each other. */
async function judgeHistory(rows: Rows, name: string): Promise<string[]> {
  const found = await rows(
    `SELECT key, valid_from, valid_to FROM (
       SELECT id AS key, valid_from, valid_to, is_current, lead(valid_from) OVER (PARTITION BY id ORDER BY valid_from) AS following FROM ${name}_history) AS h
     WHERE valid_to <= valid_from OR (valid_to IS NULL) <> is_current OR following < valid_to OR (valid_to IS NULL AND following IS NOT NULL)`,
  );
  return found.map((row) => `${name}_history: ${JSON.stringify(row)} is no state, or overlaps`);
}

/** Each event of the stream once, and no other. */
async function judgeLog(
  rows: Rows,
  consumer: string,
  { events, snapshots }: Stream,
  faults: string[],
): Promise<void> {
  for (const [name, own] of events) {
    const sent = new Map<string, number>();
    const add = (number: string, by: number) => sent.set(number, (sent.get(number) ?? 0) + by);
    for (const event of own.filter((one) => !isRead(one, snapshots)))
      add(`${Number(event.sequence)} ${event.data.op}`, 1);
    const kept = await rows(
      `SELECT sequence::text, op FROM change_events WHERE table_name = $1 AND op <> 'read'`,
      [name],
    );
    for (const [sequence, op] of kept) {
      const isOfSnapshot = op === 'truncate' && snapshots.has(String(BigInt(sequence as string)));
      if (!isOfSnapshot) add(`${Number(sequence)} ${op as string}`, -1);
    }
    const differ = [...sent].filter(([, count]) => count !== 0);
    faults.push(
      ...shorten(
        differ.map(([number, count]) =>
          count > 0
            ? `${consumer}: ${count} events of ${name} ${number} are not in the log`
            : `${consumer}: ${-count} events of ${name} ${number} are in the log, and were not sent`,
        ),
      ),
    );
  }
}

/** The events of the journal as writers know them. */
function journalOf(events: readonly ReadEvent[]): Map<string, Written[]> {
  const found = new Map<string, Written[]>();
  for (const { data } of events) {
    const id = String(data.key?.id);
    const one: Written | undefined =
      data.op === 'truncate'
        ? 'truncate'
        : data.op === 'delete'
          ? `delete ${id} ${String(data.before?.token)}`
          : data.op === 'read'
            ? undefined
            : `write ${id} ${String(data.after?.token)}`;
    if (one === undefined) continue;
    found.set(data.transaction, [...(found.get(data.transaction) ?? []), one]);
  }
  return found;
}
