/** Reports and verify from a real standby: it is waited for, and what it cancels is read again. */
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { edp, followEdp, startEdp } from '../support/cli.js';
import { freePort } from '../support/free-port.js';
import { PASSWORD, startPair, type TestPair } from '../support/standby.js';

const SLOW = 120_000;
const MODEL = 'tables: { facts: { key: [id], columns: { id: int, name: text } } }\n';

const REPORTS = {
  ids: 'SELECT id, name FROM facts ORDER BY id',
  // Holds its snapshot for two seconds before the first row.
  slow: 'SELECT count(*) AS n FROM facts, (SELECT pg_sleep(2)) AS wait',
  // Its first rows come long before its last.
  long: 'SELECT i, pg_sleep(0.001)::text AS wait FROM facts, generate_series(1, 1000) AS i',
};

let pair: TestPair;
let cwd: string;
const environment = () => ({ DATABASE_URL: pair.primary.url, EDP_REPLICA_URL: pair.standby.url });

beforeAll(async () => {
  pair = await startPair();
  cwd = await realpath(await mkdtemp(path.join(os.tmpdir(), 'edp-replica-')));
  await mkdir(path.join(cwd, 'sql', 'reports'), { recursive: true });
  await writeFile(path.join(cwd, 'edp.yaml'), MODEL);
  for (const [name, sql] of Object.entries(REPORTS)) {
    await writeFile(path.join(cwd, 'sql', 'reports', `${name}.sql`), `-- title: ${name}\n${sql}\n`);
  }
  await load(1, 2);
}, SLOW);
afterAll(async () => {
  await pair.stop();
  await rm(cwd, { recursive: true, force: true });
}, SLOW);

let files = 0;

async function load(...ids: number[]): Promise<void> {
  const name = `facts-${++files}.csv`;
  await writeFile(path.join(cwd, name), `id,name\n${ids.map((id) => `${id},n${id}\n`).join('')}`);
  const { status, stderr } = await run('ingest', name);
  expect(status, stderr).toBe(0);
}

async function run<const A extends readonly string[]>(...args: A) {
  const result = await edp(args, { cwd, env: environment() });
  expect(result.stdout + result.stderr).not.toContain(PASSWORD);
  return result;
}

function report(name: string, ...args: string[]) {
  return run('generate-report', name, '--out', '-', '--from-replica', ...args);
}

/** Starts a report, and goes on while it runs. */
function begin(name: string, ...args: string[]) {
  const call = ['generate-report', name, '--from-replica', ...args];
  const state = { isDone: false };
  const child = startEdp(call, { cwd, env: environment() });
  const result = followEdp(child, call);
  void result.then(() => {
    state.isDone = true;
  });
  return { state, result, stdout: child.stdout! };
}

/** Waits until the standby computes the first rows of a report. */
async function untilReading(): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const reading = await pair.standby.query(
      "SELECT FROM pg_stat_activity WHERE application_name = 'edp report' AND state = 'active' AND query LIKE 'FETCH 1000%'",
    );
    if (reading.length > 0) return;
    await sleep(50);
  }
  throw new Error('no report was read');
}

const lines = (text: string) => text.trim().split('\n').slice(1);

it(
  'reads what was committed before, as soon as it is there',
  async () => {
    for (let id = 10; id < 14; id++) {
      await load(id);
      const { status, stdout, stderr } = await report('ids');
      expect(status, stderr).toBe(0);
      expect(lines(stdout).at(-1)).toBe(`${id},n${id}`);
    }
  },
  SLOW,
);

it('says which URL to check where the standby does not answer', async () => {
  const port = await freePort();
  const env = {
    ...environment(),
    EDP_REPLICA_URL: `postgresql://edp:${PASSWORD}@127.0.0.1:${port}/postgres`,
  };
  const args = ['generate-report', 'ids', '--from-replica', '--json'] as const;
  const { status, json } = await edp(args, { cwd, env });
  expect([status, json.error.code]).toEqual([1, 'database_unreachable']);
  expect(json.error.hint).toContain('EDP_REPLICA_URL');
  expect(JSON.stringify(json)).not.toContain(PASSWORD);
});

it('needs a URL', async () => {
  const args = ['generate-report', 'ids', '--from-replica'] as const;
  const result = await edp(args, { cwd, env: { DATABASE_URL: pair.primary.url } });
  expect(result.status).toBe(2);
  expect(result.stderr).toContain('EDP_REPLICA_URL');
});

it(
  'waits while the replay is paused',
  async () => {
    await pair.standby.query('SELECT pg_wal_replay_pause()');
    await load(20);
    const { state, result } = begin('ids', '--out', '-');
    await sleep(2000);
    expect(state.isDone).toBe(false);
    await pair.standby.query('SELECT pg_wal_replay_resume()');
    const { status, stdout, stderr } = await result;
    expect(status, stderr).toBe(0);
    expect(lines(stdout).at(-1)).toBe('20,n20');
  },
  SLOW,
);

it(
  'gives up at the limit, and says why',
  async () => {
    await pair.standby.query('SELECT pg_wal_replay_pause()');
    await load(21);
    try {
      const { status, stdout, stderr } = await report('ids', '--replica-wait', '1');
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toMatch(/lacks \d+ bytes of the log after 1 s.*replay is paused/);
      expect(stderr).toContain('pg_wal_replay_resume()');
      const json = await run('verify', '1', '--from-replica', '--replica-wait', '0', '--json');
      expect(json.json).toMatchObject({ ok: false, error: { code: 'replica_behind' } });
    } finally {
      await pair.standby.query('SELECT pg_wal_replay_resume()');
    }
  },
  SLOW,
);

it.each([
  ['the primary', () => pair.primary.url, 'is no standby'],
  [
    'another server',
    () => `postgresql:///postgres?host=${inject('serverHost')}&user=edp`,
    'is a copy of another server',
  ],
])('refuses %s', async (_, url, message) => {
  const env = { ...environment(), EDP_REPLICA_URL: url() };
  const args = ['generate-report', 'ids', '--from-replica', '--json'] as const;
  const result = await edp(args, { cwd, env });
  expect(result.status).toBe(2);
  expect(result.json).toMatchObject({ ok: false, error: { code: 'replica_wrong' } });
  expect(result.stderr).toContain(message);
});

it(
  'verifies table and ledger there',
  async () => {
    const good = await run('verify', '1', '--from-replica', '--json');
    expect(good.json, good.stderr).toMatchObject({ ok: true, compared: { rows: 2 } });
    await pair.primary.query("UPDATE facts SET name = 'other' WHERE id = 1");
    const bad = await run('verify', '1', '--from-replica', '--json');
    expect(bad.json).toMatchObject({ ok: false, counts: { changed: 1 } });
    await pair.primary.query("UPDATE facts SET name = 'n1' WHERE id = 1");
  },
  SLOW,
);

it.each([['a file'], ['standard output']])(
  'reads again what a recovery conflict ended, to %s',
  async (to) => {
    const out = to === 'a file' ? 'slow.csv' : '-';
    const { result } = begin('slow', '--out', out, '--verbose');
    await untilReading();
    await pair.primary.query('UPDATE facts SET name = name');
    await pair.primary.query('VACUUM facts');
    const { status, stderr } = await result;
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('conflict with recovery');
    expect(stderr).toContain('it is tried again');
  },
  SLOW,
);

it(
  'reports a conflict after rows went out, since it cannot take them back',
  async () => {
    const { result, stdout } = begin('long', '--out', '-');
    await once(stdout, 'data');
    await pair.primary.query('UPDATE facts SET name = name');
    await pair.primary.query('VACUUM facts');
    const { status, stderr } = await result;
    expect(status).toBe(1);
    expect(stderr).toMatch(/conflict with recovery.*--out FILE/s);
  },
  SLOW,
);

it(
  'reads a file again after rows went out, and writes all of them',
  async () => {
    const { result } = begin('long', '--out', 'long.csv');
    await untilReading();
    await sleep(2000);
    await pair.primary.query('UPDATE facts SET name = name');
    await pair.primary.query('VACUUM facts');
    const { status, stderr } = await result;
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('it is tried again');
    const [facts] = await pair.primary.query('SELECT count(*)::int AS n FROM facts');
    const text = await readFile(path.join(cwd, 'long.csv'), 'utf8');
    expect(lines(text).length).toBe(Number(facts!.n) * 1000);
  },
  SLOW,
);

it(
  'waits for a standby that is killed in the middle',
  async () => {
    const { result } = begin('slow', '--out', '-');
    await untilReading();
    await pair.standby.kill();
    await sleep(500);
    await pair.standby.start();
    const { status, stdout, stderr } = await result;
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^n\n\d+\n$/);
    expect(stderr).toContain('it is tried again');
  },
  SLOW,
);

it(
  'says that a standby is gone',
  async () => {
    await pair.standby.kill();
    try {
      const { status, stderr } = await report('ids');
      expect(status).toBe(1);
      expect(stderr).toContain('no database at 127.0.0.1');
    } finally {
      await pair.standby.start();
    }
  },
  SLOW,
);

it(
  'reads what is there while the primary is down',
  async () => {
    await load(30);
    await report('ids');
    await pair.primary.kill();
    try {
      const { status, stdout, stderr } = await report('ids');
      expect(status, stderr).toBe(0);
      expect(lines(stdout).at(-1)).toBe('30,n30');
      expect(stderr).toContain('the primary cannot be asked');
      expect(stderr).toMatch(/its last transaction is of 20\d\d-/);
    } finally {
      await pair.primary.start();
    }
  },
  SLOW,
);
