/**
 * A trial of capture: writers with overlapping transactions on a source, runs and snapshots that are killed, and in the end the events,
 * folded by a plain fold, against what is in the source. The seed decides what is done, not in which order it comes to pass.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { readLag } from '../../src/capture/consumer.js';
import { Random } from '../faults/random.js';
import { foldEvents, type ReadEvent, readEvents } from './fold.js';

export interface TrialOptions {
  /** A database of its own, which is empty. */
  readonly config: pg.ClientConfig;
  readonly url: string;
  /** An empty folder. */
  readonly directory: string;
  readonly cli: string;
  readonly env: NodeJS.ProcessEnv;
  readonly seed: number;
  readonly writers: number;
  readonly transactions: number;
  /** How often something is killed. */
  readonly kills: number;
}

export const PROJECT = `
tables:
  accounts:
    version: 3
    key: id
    columns: { id: uuid, name: text, balance: numeric, region: text, doc: json, at: timestamptz, score: double, total: numeric, big: bigint }
  labels:
    key: id
    columns: { id: bigint, label: text }
  regions: { key: code, columns: { code: text, name: text } }
  orders: { key: [id, day], columns: { id: int, day: date, state: text } }
  nodes: { key: id, columns: { id: int, parent: int, changes: int } }
capture:
  source: { name: trial, database-url: "\${SOURCE_URL}" }
  tables:
    accounts:
      from: legacy_accounts
      columns:
        id: ref
        name: { sql: "upper(first_name)" }
        region: { from: region_id, reference: regions }
        total: { calculation: "(SELECT coalesce(sum(l.amount), 0) FROM public.lines AS l WHERE l.account_id = legacy_accounts.id)", also-on: { lines: account_id } }
      where: "not is_demo"
    labels: { from: legacy_accounts, columns: { label: first_name } }
    regions: {}
    orders: {}
    nodes: {}
`;

export const SCHEMA = `
CREATE TABLE regions (id serial PRIMARY KEY, code text NOT NULL UNIQUE, name text);
CREATE TABLE legacy_accounts (id bigserial PRIMARY KEY, ref uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), first_name text,
  balance numeric, region_id int REFERENCES regions ON DELETE SET NULL, doc json, at timestamptz, score double precision, big bigint, is_demo boolean NOT NULL DEFAULT false);
CREATE TABLE lines (id bigserial PRIMARY KEY, account_id bigint REFERENCES legacy_accounts ON DELETE CASCADE, amount numeric);
CREATE TABLE orders (id int, day date, state text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY RANGE (day);
CREATE TABLE orders_2a PARTITION OF orders_2 FOR VALUES FROM ('2026-02-01') TO ('2026-02-15');
CREATE TABLE orders_2b PARTITION OF orders_2 DEFAULT;
CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
CREATE TABLE nodes (id int PRIMARY KEY, parent int REFERENCES nodes ON DELETE CASCADE, changes int NOT NULL DEFAULT 0);
CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_trigger_depth() = 1 THEN UPDATE nodes SET changes = changes + 1 WHERE id = NEW.id; END IF;
  RETURN NULL;
END$$;
CREATE TRIGGER count_change AFTER INSERT OR UPDATE ON nodes FOR EACH ROW EXECUTE FUNCTION count_change();
INSERT INTO regions (code, name) SELECT 'r' || i, 'region ' || i FROM generate_series(1, 5) AS i;
INSERT INTO legacy_accounts (first_name, balance, region_id) SELECT 'first ' || i, i, 1 + i % 5 FROM generate_series(1, 40) AS i;
INSERT INTO orders SELECT i, date '2026-01-20' + i, 'new' FROM generate_series(1, 30) AS i;
INSERT INTO nodes (id, parent) SELECT i, nullif(i / 2, 0) FROM generate_series(1, 30) AS i;
`;

/** What the source has, as events write it: each row as [key, attributes]. */
const EXPECTED: Readonly<Record<string, string>> = {
  accounts: `SELECT json_build_object('id', a.ref), json_build_object('id', a.ref, 'name', upper(a.first_name), 'balance', a.balance::text,
      'region', (SELECT r.code FROM regions AS r WHERE r.id = a.region_id), 'doc', a.doc,
      'at', to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'score', a.score,
      'total', (SELECT coalesce(sum(l.amount), 0)::text FROM lines AS l WHERE l.account_id = a.id), 'big', a.big::text)
    FROM legacy_accounts AS a WHERE NOT is_demo`,
  labels: `SELECT json_build_object('id', id::text), json_build_object('id', id::text, 'label', first_name) FROM legacy_accounts`,
  regions: `SELECT json_build_object('code', code), json_build_object('code', code, 'name', name) FROM regions`,
  orders: `SELECT json_build_object('id', id, 'day', day), json_build_object('id', id, 'day', day, 'state', state) FROM orders`,
  nodes: `SELECT json_build_object('id', id), json_build_object('id', id, 'parent', parent, 'changes', changes) FROM nodes`,
};

type Statement = (random: Random) => string;

const account = (random: Random) =>
  `(SELECT id FROM legacy_accounts ORDER BY id OFFSET ${random.below(30)} LIMIT 1)`;
const day = (random: Random) => `'2026-0${1 + random.below(3)}-${10 + random.below(15)}'`;

const STATEMENTS: readonly Statement[] = [
  (r) =>
    `INSERT INTO legacy_accounts (first_name, balance, region_id, at, score, big, doc) VALUES ('n${r.below(99)}"\\', ${r.below(1000)}.${r.below(10)}0, (SELECT min(id) FROM regions), now(), ${r.pick(['1.5', "'NaN'", '1e300'])}, 9007199254740993, '{"a":\n [${r.below(9)}]}')`,
  (r) =>
    `INSERT INTO legacy_accounts (first_name, balance) SELECT 'bulk ' || i, i FROM generate_series(1, ${50 + r.below(60)}) AS i`,
  (r) =>
    `UPDATE legacy_accounts SET balance = balance + 1, first_name = 'u${r.below(50)}' WHERE id = ${account(r)}`,
  (r) =>
    `UPDATE legacy_accounts SET balance = coalesce(balance, 0) * 1.0 WHERE id % ${2 + r.below(5)} = 0`,
  () => 'UPDATE legacy_accounts SET first_name = first_name',
  (r) => `UPDATE legacy_accounts SET is_demo = NOT is_demo WHERE id % ${3 + r.below(5)} = 0`,
  (r) => `UPDATE legacy_accounts SET ref = gen_random_uuid() WHERE id = ${account(r)}`,
  (r) =>
    `UPDATE legacy_accounts SET id = id + 1000000 WHERE id = ${account(r)} AND NOT EXISTS (SELECT FROM lines WHERE account_id = legacy_accounts.id)`,
  (r) => `DELETE FROM legacy_accounts WHERE id = ${account(r)}`,
  (r) => `DELETE FROM legacy_accounts WHERE first_name LIKE 'bulk %' AND id % 3 <> ${r.below(3)}`,
  (r) => `INSERT INTO lines (account_id, amount) VALUES (${account(r)}, ${r.below(100)})`,
  (r) =>
    `INSERT INTO lines (account_id, amount) SELECT id, 1 FROM legacy_accounts LIMIT ${1 + r.below(300)}`,
  (r) =>
    `UPDATE lines SET amount = amount + 1, account_id = ${account(r)} WHERE id % 7 = ${r.below(7)}`,
  (r) => `DELETE FROM lines WHERE id % 5 = ${r.below(5)}`,
  () => 'TRUNCATE lines',
  (r) =>
    `INSERT INTO regions (code, name) VALUES ('r${r.below(9)}', 'x${r.below(99)}') ON CONFLICT (code) DO UPDATE SET name = excluded.name`,
  (r) => `DELETE FROM regions WHERE code = 'r${r.below(9)}'`,
  (r) =>
    `INSERT INTO orders VALUES (${r.below(60)}, ${day(r)}, 's${r.below(9)}') ON CONFLICT (id, day) DO UPDATE SET state = excluded.state`,
  (r) => `UPDATE orders SET day = ${day(r)} WHERE id = ${r.below(60)}`,
  (r) => `UPDATE orders_1 SET state = 'direct${r.below(9)}' WHERE id % 2 = 0`,
  (r) => `DELETE FROM orders_rest WHERE id % 3 = ${r.below(3)}`,
  (r) =>
    r.pick([
      'TRUNCATE orders_1',
      'TRUNCATE orders_2',
      'TRUNCATE orders',
      'TRUNCATE orders_rest, nodes',
    ]),
  (r) =>
    `INSERT INTO nodes (id, parent) VALUES (${r.below(60)}, (SELECT min(id) FROM nodes)) ON CONFLICT (id) DO UPDATE SET parent = excluded.parent WHERE nodes.id <> excluded.parent`,
  (r) => `UPDATE nodes SET changes = changes + 10 WHERE id % 3 = ${r.below(3)}`,
  (r) => `DELETE FROM nodes WHERE id = ${r.below(60)}`,
];

async function write(options: TrialOptions, number: number): Promise<void> {
  const random = new Random(options.seed * 1000 + number);
  const client = new pg.Client(options.config);
  client.on('error', () => {});
  await client.connect();
  for (let i = 0; i < options.transactions; i++) {
    try {
      await client.query(random.below(8) === 0 ? 'BEGIN ISOLATION LEVEL REPEATABLE READ' : 'BEGIN');
      for (let n = 1 + random.below(4); n > 0; n--) {
        await client.query(`SAVEPOINT s; ${random.pick(STATEMENTS)(random)}`);
        if (random.below(6) === 0) await client.query('ROLLBACK TO s');
        if (random.below(3) === 0) await sleep(random.below(30));
      }
      await client.query(random.below(8) === 0 ? 'ROLLBACK' : 'COMMIT');
    } catch {
      // Deadlocks, keys that are there, serialization failures: the writer goes on.
      await client.query('ROLLBACK').catch(() => {});
    }
  }
  await client.end().catch(() => {});
}

/** @returns what is wrong; nothing if all is right */
export async function runTrial(options: TrialOptions): Promise<string[]> {
  const random = new Random(options.seed);
  const admin = new pg.Client(options.config);
  await admin.connect();
  try {
    await admin.query(SCHEMA);
    mkdirSync(options.directory, { recursive: true });
    writeFileSync(path.join(options.directory, 'edp.yaml'), PROJECT);
    await done(options, ['install']);
    const work = Promise.all(Array.from({ length: options.writers }, (_, i) => write(options, i)));
    const state = { isOver: false };
    const running = [keepRunning(options, random, state), killSessions(options, admin, random)];
    await sleep(random.below(300));
    await snapshot(options, random);
    await work;
    state.isOver = true;
    await Promise.all(running);
    // What repeatable reads have left is evaluated by one run, and read by the next.
    for (let i = 0; i < 3 || (await hasUnsent(admin)); i++) {
      await done(options, ['run', '--to', 'out', '--once']);
    }
    return await compare(options, admin);
  } finally {
    await admin.end();
  }
}

/** Transactions of others on the server hold events back. */
async function hasUnsent(admin: pg.Client): Promise<boolean> {
  return (await readLag(admin, 'default')).events > 0;
}

async function snapshot(options: TrialOptions, random: Random): Promise<void> {
  const to = random.below(2) === 0 ? ['--to', 'out'] : [];
  if (options.kills > 0 && random.below(2) === 0) {
    const child = start(options, ['snapshot', ...to]);
    await Promise.race([ended(child), sleep(500 + random.below(800))]);
    child.kill('SIGKILL');
    await ended(child);
  }
  await done(options, ['snapshot', ...to]);
}

async function keepRunning(
  options: TrialOptions,
  random: Random,
  state: { readonly isOver: boolean },
): Promise<void> {
  for (let kills = options.kills; !state.isOver; ) {
    const child = start(options, ['run', '--to', 'out', '--rotate-seconds', '1']);
    const end = ended(child);
    const isKilled = kills-- > 0;
    for (
      let left = isKilled ? 500 + random.below(2500) : 1e9;
      left > 0 && !state.isOver;
      left -= 50
    ) {
      await sleep(50);
      if (child.exitCode !== null) throw new Error(`a run ended by itself: ${await end}`);
    }
    child.kill(isKilled ? 'SIGKILL' : 'SIGINT');
    await end;
  }
}

async function killSessions(
  options: TrialOptions,
  admin: pg.Client,
  random: Random,
): Promise<void> {
  for (let i = 0; i < options.kills; i++) {
    await sleep(random.below(1500));
    await admin.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'edp capture' AND datname = current_database() AND query NOT LIKE '%snapshots%'",
    );
  }
}

function start({ cli, directory, env, url }: TrialOptions, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [cli, 'capture', ...args], {
    cwd: directory,
    env: { ...env, SOURCE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function ended(child: ChildProcess): Promise<string> {
  let output = '';
  child.stdout?.on('data', (data) => (output += data));
  child.stderr?.on('data', (data) => (output += data));
  if (child.exitCode === null && child.signalCode === null) {
    await new Promise((resolve) => child.once('close', resolve));
  }
  return output;
}

/** Runs a command until it is done: a connection may have been cut. */
async function done(options: TrialOptions, args: readonly string[]): Promise<void> {
  for (let tries = 1; ; tries++) {
    const child = start(options, args);
    const output = await ended(child);
    if (child.exitCode === 0) return;
    if (child.exitCode === 2 || tries === 6)
      throw new Error(`edp capture ${args.join(' ')}: ${output}`);
  }
}

async function compare({ directory }: TrialOptions, admin: pg.Client): Promise<string[]> {
  const faults: string[] = [];
  const kept = await admin.query('SELECT source, error FROM edp_capture.unmapped LIMIT 3');
  faults.push(...kept.rows.map((row) => `unmapped: ${JSON.stringify(row)}`));
  const out = path.join(directory, 'out');
  const events = readEvents(out);
  for (const table of readdirSync(out)) {
    const parts = readdirSync(path.join(out, table)).filter((name) =>
      name.startsWith('.trial.default'),
    );
    faults.push(...parts.map((name) => `${table}/${name} is left`));
  }
  await admin.query("SET timezone = 'UTC'");
  for (const [table, sql] of Object.entries(EXPECTED)) {
    const { rows } = await admin.query<[object, object]>({ text: sql, rowMode: 'array' });
    const expected = new Map(rows.map(([key, row]) => [JSON.stringify(key), row]));
    const own: readonly ReadEvent[] = events.get(table) ?? [];
    const found = foldEvents(own);
    for (const [key, row] of expected) {
      const is = found.get(key);
      if (canonical(is) === canonical(row)) continue;
      const history = own.filter(
        ({ data }) => data.key === undefined || JSON.stringify(data.key) === key,
      );
      faults.push(
        `${table} ${key}: is ${canonical(is)}, must be ${canonical(row)}\n${history.map((one) => `    ${one.sequence} ${JSON.stringify(one.data)}`).join('\n')}`,
      );
    }
    for (const key of found.keys()) {
      if (!expected.has(key))
        faults.push(
          `${table} ${key}: is there, and must not be: ${JSON.stringify(own.filter(({ data }) => JSON.stringify(data.key) === key).map(({ sequence, data }) => [sequence, data.op]))}`,
        );
    }
  }
  return faults;
}

function canonical(row: object | undefined): string {
  return row === undefined
    ? 'nothing'
    : JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
