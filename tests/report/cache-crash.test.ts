/** The cache of reports after what only servers do: crashes, restores, prepared transactions, promotions. */
import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../../src/postgres/migrate.js';
import { parseReport } from '../../src/report/report.js';
import { startPair, type TestPair, type TestServer } from '../support/standby.js';
import { readReport } from './read-report.js';

const SLOW = 120_000;
const REPORT = parseReport(
  '-- title: t\nSELECT n FROM public.facts ORDER BY n',
  'facts',
  'sql/reports/facts.sql',
);

let pair: TestPair;
let primary: TestServer;

beforeAll(async () => {
  pair = await startPair();
  primary = pair.primary;
  const client = new pg.Client({ connectionString: primary.url });
  await client.connect();
  await migrate(client);
  await client.query('CREATE TABLE public.facts (n int)');
  await client.end();
}, SLOW);
afterAll(() => pair.stop(), SLOW);
beforeEach(async () => {
  await primary.query(
    'DELETE FROM edp.report_cache; TRUNCATE public.facts; INSERT INTO public.facts VALUES (1)',
  );
});

async function show(server: TestServer = primary) {
  const read = async (usesCache: boolean) => {
    const client = { connectionString: server.url };
    const { content, cache } = await readReport(client, REPORT, { usesCache });
    return { text: content.toString(), isCached: cache?.keptAt !== undefined };
  };
  const cached = await read(true);
  expect(cached.text).toBe((await read(false)).text);
  return cached;
}

async function keep(): Promise<void> {
  await show();
  expect((await show()).isCached).toBe(true);
}

async function crash(): Promise<void> {
  await primary.kill();
  await primary.start();
}

describe('the cache shows what is there', () => {
  it(
    'after a prepared transaction, with a crash before its end',
    async () => {
      await primary.query("BEGIN; INSERT INTO public.facts VALUES (2); PREPARE TRANSACTION 'two'");
      await keep();
      await crash();
      expect((await show()).text).toBe('n\n1\n');
      await primary.query("COMMIT PREPARED 'two'");
      expect(await show()).toEqual({ text: 'n\n1\n2\n', isCached: false });
      await primary.query(
        "BEGIN; INSERT INTO public.facts VALUES (3); PREPARE TRANSACTION 'three'",
      );
      await keep();
      await primary.query("ROLLBACK PREPARED 'three'");
      expect((await show()).isCached).toBe(true);
    },
    SLOW,
  );

  it(
    'after crashes that take back what was not on the disk',
    async () => {
      for (let round = 0; round < 8; round++) {
        await primary.query('CHECKPOINT');
        await primary.query('SET synchronous_commit = off; INSERT INTO public.facts VALUES (10)');
        if (round % 2 === 0) await primary.query('INSERT INTO public.facts VALUES (20)');
        await show();
        await primary.query('SET synchronous_commit = off; INSERT INTO public.facts VALUES (30)');
        await show();
        await crash();
        await show();
        // Numbers that the crash set free are given again.
        for (let n = 40; n < 44; n++) {
          await primary.query(`SET synchronous_commit = off; UPDATE public.facts SET n = n + ${n}`);
          await show();
        }
        await keep();
      }
    },
    SLOW,
  );

  it(
    'after the data directory was set back to a copy',
    async () => {
      await keep();
      await primary.kill();
      const copy = `${primary.data}-copy`;
      execFileSync('cp', ['-a', primary.data, copy]);
      await primary.start();
      await primary.query('INSERT INTO public.facts VALUES (2)');
      await keep();
      await primary.kill();
      await rm(primary.data, { recursive: true });
      execFileSync('mv', [copy, primary.data]);
      await primary.start();
      expect((await show()).text).toBe('n\n1\n');
      await primary.query('INSERT INTO public.facts VALUES (3)');
      expect(await show()).toEqual({ text: 'n\n1\n3\n', isCached: false });
    },
    SLOW,
  );
});

it(
  'the cache of a primary says nothing on its promoted standby',
  async () => {
    // The copy of the test before has another past than the standby.
    await keep();
    await pair.standby.query('SELECT pg_promote()');
    const ledger = await pair.standby.query("SELECT FROM pg_class WHERE relname = 'report_cache'");
    expect(ledger).toHaveLength(1);
    expect((await show(pair.standby)).isCached).toBe(false);
  },
  SLOW,
);
