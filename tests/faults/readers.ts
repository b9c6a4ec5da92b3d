/**
 * Readers of the log of changes: commands load, undo, replay and promote at the same time, and are killed,
 * while a reader keeps the points at which it read.
 *
 * Triggers are the oracle. They enter what statements really changed into a table of their own, in the same
 * transaction. A reader must be stale exactly if that table has an entry that was not visible at its point;
 * where the rows differ, it must be stale; and in the end both logs must agree on every transaction.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { isStale, type ReadPoint, readPoint } from '../../src/ledger/changes.js';
import { connect } from '../../src/postgres/connection.js';
import { startCommand } from './command.js';
import { Random } from './random.js';

export interface ReaderOptions {
  readonly directory: string;
  readonly database: pg.ClientConfig;
  readonly url: string;
  readonly seed: number;
  /** Commands in all. */
  readonly commands: number;
  readonly atOnce: number;
  readonly deadline: number;
}

export interface ReaderResults {
  readonly commands: number;
  readonly killed: number;
  /** Transactions that changed a table. */
  readonly transactions: number;
  /** Questions whether a reader is stale, and how many were answered with yes. */
  readonly looks: number;
  readonly stale: number;
  readonly problems: readonly string[];
}

const TABLES = ['public.kinds', 'public.items', 'public.notes'] as const;

const MODEL = `tables:
  kinds: { columns: { id: int, name: text }, key: id }
  items:
    columns: { id: int, kind: { type: int, references: kinds }, value: int }
    key: id
    metrics: { from: more, columns: { known: int } }
  notes: { columns: { body: text } }
`;

const ORACLE = `
  CREATE TABLE public.kinds (id int PRIMARY KEY, name text, load_id bigint);
  CREATE TABLE public.items (id int PRIMARY KEY, kind int REFERENCES kinds, value int, known int,
    extra_metrics jsonb, load_id bigint);
  CREATE TABLE public.notes (body text, load_id bigint);
  CREATE SCHEMA oracle;
  CREATE TABLE oracle.changes (xid xid8 DEFAULT pg_current_xact_id(), relation text, kind text, rows bigint);
  CREATE FUNCTION oracle.note() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO oracle.changes (relation, kind, rows)
    SELECT format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME),
      CASE TG_OP WHEN 'DELETE' THEN 'deleted' ELSE 'written' END, count(*) FROM changed HAVING count(*) > 0;
    RETURN NULL;
  END $$;
  CREATE FUNCTION oracle.note_definition() RETURNS event_trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO oracle.changes (relation, kind)
    SELECT object_identity, 'definition' FROM pg_event_trigger_ddl_commands()
    WHERE object_type = 'table' AND schema_name = 'public' AND command_tag = 'ALTER TABLE';
  END $$;
  ${TABLES.map((table, i) =>
    [
      ['INSERT', 'NEW'],
      ['UPDATE', 'NEW'],
      ['DELETE', 'OLD'],
    ]
      .map(
        ([event, rows]) => `CREATE TRIGGER note_${event}_${i} AFTER ${event} ON ${table}
          REFERENCING ${rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION oracle.note();
          ALTER TABLE ${table} ENABLE ALWAYS TRIGGER note_${event}_${i};`,
      )
      .join('\n'),
  ).join('\n')}
  CREATE EVENT TRIGGER note_definition ON ddl_command_end EXECUTE FUNCTION oracle.note_definition();`;

/** Entries of both logs, by transaction and table; what was inserted and replaced counts together. */
const COMPARE = `
  SELECT coalesce(own.xid, o.xid)::text AS xid, coalesce(own.relation, o.relation) AS relation,
    coalesce(own.kind, o.kind) AS kind, own.rows AS own, o.rows AS oracle
  FROM (SELECT xid, relation, CASE WHEN kind IN ('inserted', 'updated') THEN 'written' ELSE kind END AS kind,
          coalesce(sum(rows), 0)::bigint AS rows
        FROM edp.changes WHERE relation = ANY ($1) GROUP BY 1, 2, 3) own
  FULL JOIN (SELECT xid, relation, kind, coalesce(sum(rows), 0)::bigint AS rows
             FROM oracle.changes GROUP BY 1, 2, 3) o
    ON o.xid = own.xid AND o.relation = own.relation AND o.kind = own.kind
  WHERE own.rows IS DISTINCT FROM o.rows ORDER BY 1, 2`;

const KILLED_SHARE = 0.4;
const MAX_KILL_DELAY_MS = 2500;
/** Points that the reader keeps, some of them for long. */
const MAX_POINTS = 25;
const LOOK_EVERY_MS = 40;

export async function runReaders(options: ReaderOptions): Promise<ReaderResults> {
  const random = new Random(options.seed);
  const directory = path.join(options.directory, `readers-${options.seed}`);
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, 'edp.yaml'), MODEL);
  const client = await connect(options.database, 'oracle');
  try {
    await client.query(ORACLE);
    // The first load makes the ledger.
    await writeFile(path.join(directory, 'kinds.csv'), 'id,name\n1,a\n2,b\n3,c\n');
    await startCommand(['ingest', 'kinds.csv'], { cwd: directory, url: options.url }).ended;
    const reader = new Reader(client, random);
    const commands = new Commands(options, directory, random);
    const workers = Array.from({ length: options.atOnce }, () => commands.work());
    const done = Promise.all(workers);
    let isDone = false;
    void done.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await reader.look();
      await sleep(LOOK_EVERY_MS);
    }
    await done;
    await waitForSessions(client);
    await reader.look();
    const { rows: differences } = await client.query(COMPARE, [TABLES]);
    const { rows: counted } = await client.query<{ count: number }>(
      'SELECT count(DISTINCT xid) FROM oracle.changes',
    );
    return {
      commands: commands.count,
      killed: commands.killed,
      transactions: counted[0]!.count,
      looks: reader.looks,
      stale: reader.stale,
      problems: [
        ...reader.problems,
        ...commands.problems,
        ...differences.map((row) => JSON.stringify(row)),
      ],
    };
  } finally {
    await client.query('DROP EVENT TRIGGER IF EXISTS note_definition').catch(() => {});
    await client.end();
  }
}

/** A command that was killed may still commit what the server has of it. */
async function waitForSessions(client: pg.Client): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { rows } = await client.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'edp %'
         AND pid <> pg_backend_pid() AND application_name <> 'edp test'`,
    );
    if (rows.length === 0) return;
    await sleep(20);
  }
  throw new Error('sessions of commands are still there');
}

/** What was read at a point: a digest of each table. */
interface Kept {
  readonly point: ReadPoint;
  readonly digests: ReadonlyMap<string, string>;
}

class Reader {
  looks = 0;
  stale = 0;
  readonly problems: string[] = [];
  readonly #client: pg.Client;
  readonly #random: Random;
  readonly #kept: Kept[] = [];

  constructor(client: pg.Client, random: Random) {
    this.#client = client;
    this.#random = random;
  }

  async look(): Promise<void> {
    const client = this.#client;
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    try {
      const now: Kept = { point: await readPoint(client), digests: await this.#digest() };
      for (const kept of this.#kept) await this.#compare(kept, now);
      if (this.#kept.length === MAX_POINTS) this.#kept.splice(this.#random.below(MAX_POINTS), 1);
      this.#kept.push(now);
    } finally {
      await client.query('COMMIT');
    }
  }

  /** Without NULLs: a statement sees a new column at once, also where its snapshot is older than the column. */
  async #digest(): Promise<Map<string, string>> {
    const digests = new Map<string, string>();
    for (const table of TABLES) {
      const { rows } = await this.#client.query<{ digest: string }>(
        `SELECT md5(coalesce(string_agg(r::text, ',' ORDER BY r::text), '')) AS digest
         FROM (SELECT jsonb_strip_nulls(to_jsonb(t)) AS r FROM ${table} t) AS rows`,
      );
      digests.set(table, rows[0]!.digest);
    }
    return digests;
  }

  async #compare({ point, digests }: Kept, now: Kept): Promise<void> {
    for (const table of TABLES) {
      const isOld = await isStale(this.#client, [table], point);
      const { rows } = await this.#client.query<{ changed: boolean }>(
        `SELECT EXISTS (SELECT FROM oracle.changes WHERE relation = $1
           AND NOT pg_visible_in_snapshot(xid, $2::pg_snapshot)) AS changed`,
        [table, point.snapshot],
      );
      this.looks++;
      if (isOld) this.stale++;
      const what = `${table} since ${point.snapshot}, at ${now.point.snapshot}`;
      if (isOld !== rows[0]!.changed) {
        this.problems.push(
          `${isOld ? 'a change that was not' : 'a change that was missed'}: ${what}`,
        );
      }
      if (!isOld && digests.get(table) !== now.digests.get(table)) {
        this.problems.push(`other rows, and not stale: ${what}`);
      }
    }
  }
}

class Commands {
  count = 0;
  killed = 0;
  readonly problems: string[] = [];
  readonly #options: ReaderOptions;
  readonly #directory: string;
  readonly #random: Random;

  constructor(options: ReaderOptions, directory: string, random: Random) {
    this.#options = options;
    this.#directory = directory;
    this.#random = random;
  }

  async work(): Promise<void> {
    while (this.count < this.#options.commands && Date.now() < this.#options.deadline) {
      const number = ++this.count;
      const args = await this.#choose(number);
      const command = startCommand(args, { cwd: this.#directory, url: this.#options.url });
      let isKilled = false;
      if (this.#random.next() < KILLED_SHARE) {
        await Promise.race([command.ended, sleep(this.#random.below(MAX_KILL_DELAY_MS))]);
        isKilled = command.kill('SIGKILL');
        if (isKilled) this.killed++;
      }
      const { status, output } = await command.ended;
      if (!isKilled && ![0, 1, 2, 3].includes(status ?? -1)) {
        this.problems.push(`${args.join(' ')} ended with ${status}: ${output}`);
      }
    }
  }

  async #choose(number: number): Promise<string[]> {
    const random = this.#random;
    const load = String(1 + random.below(Math.max(1, number)));
    switch (
      random.pick(['items', 'items', 'items', 'notes', 'kinds', 'undo', 'replay', 'promote'])
    ) {
      case 'items': {
        const records = Array.from({ length: 1 + random.below(400) }, () => this.#item());
        await this.#put(`items-${number}.csv`, `id,kind,value,more\n${records.join('\n')}\n`);
        const conflict = random.pick(['reject', 'skip', 'update']);
        const missing = random.pick(['reject', 'infer']);
        const args = ['--on-conflict', conflict, '--missing-dimensions', missing];
        return [
          'ingest',
          `items-${number}.csv`,
          ...args,
          '--read-batch-size',
          '80',
          '--process-count',
          '2',
        ];
      }
      case 'notes': {
        const files = Array.from({ length: 12 }, (_, i) => `notes-${number}-${i}.csv`);
        for (const file of files) await this.#put(file, `body\n${file}\n${random.next()}\n`);
        return ['ingest', ...files, '--process-count', '2'];
      }
      case 'kinds':
        await this.#put(
          `kinds-${number}.csv`,
          `id,name\n${random.below(12)},n${random.below(9)}\nx,y\n`,
        );
        return [
          'ingest',
          `kinds-${number}.csv`,
          '--on-conflict',
          random.pick(['reject', 'update']),
        ];
      case 'undo':
        return ['undo', load, '--yes'];
      case 'replay':
        return ['replay', load, '--missing-dimensions', random.pick(['reject', 'infer'])];
      default:
        return ['promote', random.pick(['x', 'y', 'z']), '--table', 'items', '--type', 'int'];
    }
  }

  #item(): string {
    const random = this.#random;
    const kind = random.below(14);
    const value = random.next() < 0.02 ? 'bad' : random.below(5);
    const metric = random.pick(['x', 'y', 'z', 'known']);
    return `${random.below(1500)},${kind},${value},"{""${metric}"":${random.below(9)}}"`;
  }

  #put(name: string, text: string): Promise<void> {
    return writeFile(path.join(this.#directory, name), text);
  }
}
