/**
 * Eight sessions load and undo versions of the same members, late ones too, and runs follow them: at no moment does a
 * reader see a member with two current versions, or with none, a gap or an overlap.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { expect, it } from 'vitest';
import { withClient } from '../../../src/postgres/connection.js';
import { Random } from '../../faults/random.js';
import { useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, run } = useWarehouse();

const WRITERS = 8;
const MEMBERS = 12;
const SECONDS = 12;

const DECLARED = {
  tables: {
    plans: { columns: { member: 'int', plan: 'text', at: 'timestamptz' } },
    uses: { columns: { use_id: 'int', member: 'int', at: 'timestamptz' }, key: 'use_id' },
  },
  silver: {
    plans: {
      from: 'plans',
      key: 'member',
      columns: { member: 'member', plan: 'plan' },
      history: { by: 'at' },
    },
  },
  dimensions: {
    plan_dim: { from: 'silver.plans', 'natural-key': 'member', 'type-2': 'plan' },
  },
  facts: {
    use_fact: {
      from: 'uses',
      key: 'use_id',
      date: 'at',
      dimensions: { plan: { dimension: 'plan_dim', by: 'member', 'as-of': 'at' } },
    },
  },
};

/** Members that a reader sees with a fault. */
const broken = (table: string) => `SELECT member, count(*) FILTER (WHERE is_current) AS current,
    count(*) FILTER (WHERE valid_to IS DISTINCT FROM next) AS torn
  FROM (SELECT *, lead(valid_from) OVER (PARTITION BY member ORDER BY valid_from) AS next
        FROM ${table} WHERE member IS NOT NULL) AS versions
  GROUP BY member
  HAVING count(*) FILTER (WHERE is_current) <> 1 OR count(*) FILTER (WHERE valid_to IS DISTINCT FROM next) > 0`;

async function write(seed: number, until: number): Promise<number> {
  const random = new Random(seed);
  return withClient(database.config, 'test', async (client: pg.Client) => {
    let written = 0;
    const loads: number[] = [];
    while (Date.now() < until) {
      const isUndo = loads.length > 2 && random.next() < 0.4;
      const load = isUndo
        ? loads.splice(random.below(loads.length), 1)[0]!
        : seed * 10_000 + written;
      const day = () => `2024-${String(1 + random.below(12)).padStart(2, '0')}-01`;
      const rows = Array.from(
        { length: 1 + random.below(4) },
        () => `(${random.below(MEMBERS)}, '${random.pick(['a', 'b', 'c'])}', '${day()}', ${load})`,
      );
      await client.query('BEGIN');
      await client.query(
        isUndo
          ? `DELETE FROM plans WHERE load_id = ${load}`
          : `INSERT INTO plans VALUES ${rows.join(', ')}`,
      );
      await client.query(
        "INSERT INTO edp.changes (relation, kind, load_id, rows) VALUES ('public.plans', $1, $2, 1)",
        [isUndo ? 'deleted' : 'inserted', load],
      );
      await client.query('COMMIT');
      if (!isUndo) loads.push(load);
      written++;
      await sleep(random.below(60));
    }
    return written;
  });
}

async function look(until: number): Promise<{ looks: number; found: string[] }> {
  return withClient(database.config, 'test', async (client: pg.Client) => {
    const found: string[] = [];
    let looks = 0;
    while (Date.now() < until) {
      for (const table of ['silver.plans', 'gold.plan_dim']) {
        const { rows } = await client.query(broken(table));
        found.push(...rows.map((row) => `${table} ${JSON.stringify(row)}`));
        looks++;
      }
    }
    return { looks, found };
  });
}

it('readers never see a torn history', { timeout: 120_000 }, async () => {
  await database.query(
    'CREATE TABLE plans (member int, plan text, at timestamptz, load_id bigint)',
  );
  await database.query(
    'CREATE TABLE uses (use_id int PRIMARY KEY, member int, at timestamptz, load_id bigint)',
  );
  await database.query(
    `INSERT INTO plans SELECT m, 'a', '2024-06-01', 1 FROM generate_series(0, ${MEMBERS - 1}) AS m`,
  );
  await database.query(
    `INSERT INTO uses SELECT m * 12 + month, m, make_timestamptz(2024, month, 15, 0, 0, 0), 1
     FROM generate_series(0, ${MEMBERS - 1}) AS m, generate_series(1, 12) AS month`,
  );
  const warehouse = await declare(DECLARED);
  await run(warehouse);
  const until = Date.now() + SECONDS * 1000;
  const keepRunning = async () => {
    const failures: string[] = [];
    let changed = 0;
    while (Date.now() < until) {
      for (const { task, state, error, rows } of await run(warehouse)) {
        if (state === 'failed') failures.push(`${task}: ${error?.message}`);
        changed += rows.inserted + rows.updated + rows.deleted;
      }
    }
    return { failures, changed };
  };
  const [written, looked, ran] = await Promise.all([
    Promise.all(Array.from({ length: WRITERS }, (_, i) => write(i + 2, until))),
    Promise.all([look(until), look(until)]),
    Promise.all([keepRunning(), keepRunning()]),
  ]);
  expect(ran.flatMap(({ failures }) => failures)).toEqual([]);
  expect(looked.flatMap(({ found }) => found)).toEqual([]);
  // They did meet each other.
  expect(Math.min(...written)).toBeGreaterThan(5);
  expect(Math.min(...looked.map(({ looks }) => looks))).toBeGreaterThan(20);
  expect(ran.reduce((sum, { changed }) => sum + changed, 0)).toBeGreaterThan(50);

  // In the end, each use has the version of its moment; before the first that one.
  await run(warehouse);
  const wrong = await database.query(`
    WITH now AS (SELECT DISTINCT ON (member, at) member, at, plan FROM plans ORDER BY member, at, load_id DESC, plan DESC)
    SELECT u.use_id FROM uses u JOIN gold.use_fact f USING (use_id) JOIN gold.plan_dim d ON d.id = f.plan
    WHERE d.plan <> coalesce(
      (SELECT n.plan FROM now n WHERE n.member = u.member AND n.at <= u.at ORDER BY n.at DESC LIMIT 1),
      (SELECT n.plan FROM now n WHERE n.member = u.member ORDER BY n.at LIMIT 1))`);
  expect(wrong).toEqual([]);
});
