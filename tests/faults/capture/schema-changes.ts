/** Changes of the source's tables while writers go on, and what an operator does then. */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { Random } from '../random.js';
import type { Place } from './place.js';
import { type State, whileStopped } from './runs.js';
import { projectText, type Shape } from './source.js';
import { connectPatiently, isConnected } from './writers.js';

/** What says that a change is there: the commit may have come to pass although nobody answered. */
const IS_THERE = ['42701', '42703', '42P07', '42P01', '42P17', '55000'];
const PATIENCE_MS = 40_000;

/**
 * A statement that was under way during an install may have kept its rows with the name that a column has now: they are to be mapped
 * before it gets another one. Behind the lock, no other one comes.
 */
const ROWS_ARE_KEPT = 'UE001';
const REFUSE_KEPT = `DO $$BEGIN
  IF EXISTS (SELECT FROM edp_capture.unmapped) THEN RAISE EXCEPTION 'rows are kept' USING ERRCODE = '${ROWS_ARE_KEPT}'; END IF;
END$$`;

class Operator {
  readonly #place: Place;
  #client: pg.Client | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  /** One transaction; again until it is done. */
  async change(...statements: readonly string[]): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      this.#client ??= await connectPatiently(this.#place.config(this.#place.source));
      const client = this.#client;
      try {
        await client.query(
          `BEGIN; SET LOCAL lock_timeout = '1s'; ${statements.join('; ')}; COMMIT`,
        );
        return;
      } catch (error) {
        const { code = '' } = error as { code?: string };
        if (isConnected(client) && code !== '') {
          await client.query('ROLLBACK').catch(() => {});
          if (code === ROWS_ARE_KEPT) await install({ place: this.#place });
          if (IS_THERE.includes(code)) return;
        } else {
          await client.end().catch(() => {});
          this.#client = undefined;
        }
        if (Date.now() > deadline) throw error;
        await sleep(100);
      }
    }
  }

  async end(): Promise<void> {
    await this.#client?.end().catch(() => {});
  }
}

interface Scene {
  readonly place: Place;
  readonly shape: Shape;
  readonly state: State;
  readonly random: Random;
  readonly operator: Operator;
}

/** Rows that could not be mapped yet are reported by status 3, until the server is there again. */
const install = ({ place }: Pick<Scene, 'place'>) =>
  place.finish(place.followers[0], ['capture', 'install']);

function change({ shape }: Scene, ...tables: readonly string[]): void {
  for (const table of tables) shape.changed.add(table);
}

const CHANGES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async 'a column is added'(scene) {
    change(scene, 'accounts');
    const { place, shape, state, operator, random } = scene;
    if (shape.hasNote) return;
    await operator.change(
      `ALTER TABLE legacy_accounts ADD COLUMN note text${random.below(2) === 0 ? " DEFAULT 'old'" : ''}`,
    );
    shape.hasNote = true;
    await sleep(random.below(300));
    await whileStopped(state, async () => {
      shape.isNoteCaptured = true;
      place.declare(projectText(shape, shape.nameColumn));
      await install(scene);
    });
    // The rows that were there have the attribute, too.
    await place.finish(place.followers[0], ['capture', 'snapshot', 'accounts']);
  },
  async 'a column is renamed'(scene) {
    change(scene, 'accounts', 'labels');
    const { place, shape, state, operator, random } = scene;
    const name = shape.nameColumn === 'first_name' ? 'given_name' : 'first_name';
    await operator.change(
      'LOCK TABLE legacy_accounts IN ACCESS EXCLUSIVE MODE',
      REFUSE_KEPT,
      `ALTER TABLE legacy_accounts RENAME COLUMN ${shape.nameColumn} TO ${name}`,
    );
    shape.nameColumn = name;
    // Rows are kept as they are, until edp.yaml is corrected.
    await sleep(random.below(600));
    await whileStopped(state, async () => {
      place.declare(projectText(shape, name));
      await install(scene);
    });
  },
  async 'a type is changed'(scene) {
    change(scene, 'accounts', 'labels');
    const { operator, random } = scene;
    const type = random.pick(['timestamp', 'timestamptz', 'date']);
    await operator.change(
      `ALTER TABLE legacy_accounts ALTER COLUMN due TYPE ${type} USING due::date::${type}`,
    );
    await sleep(random.below(600));
    await install(scene);
  },
  async 'install is run again'(scene) {
    await install(scene);
  },
  async 'a partition is added'(scene) {
    const { shape, operator } = scene;
    if (shape.partitions.has('orders_3')) return;
    await operator.change(
      'LOCK TABLE orders IN ACCESS EXCLUSIVE MODE',
      "WITH gone AS (DELETE FROM orders_rest WHERE day >= '2026-03-01' AND day < '2026-03-20' RETURNING *) INSERT INTO orders SELECT id, day - 59, state FROM gone ON CONFLICT DO NOTHING",
      "CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM ('2026-03-01') TO ('2026-03-20')",
    );
    // Until its triggers are there, it is written through its parent.
    await install(scene);
    shape.partitions.add('orders_3');
  },
  async 'a partition with rows is attached'(scene) {
    change(scene, 'orders');
    const { place, shape, operator } = scene;
    if (shape.partitions.has('orders_5')) return;
    await operator.change(
      'CREATE TABLE orders_5 (LIKE orders INCLUDING ALL)',
      "INSERT INTO orders_5 SELECT i, date '2026-05-01' + i, 'attached' FROM generate_series(0, 25) AS i",
      "ALTER TABLE orders ATTACH PARTITION orders_5 FOR VALUES FROM ('2026-05-01') TO ('2026-06-01')",
    );
    await install(scene);
    shape.partitions.add('orders_5');
    // Its rows fired no trigger.
    await place.finish(place.followers[0], ['capture', 'snapshot', 'orders']);
  },
  async 'a partition is detached'({ shape, operator }) {
    if (!shape.partitions.delete('orders_5')) return;
    await operator.change(
      'TRUNCATE orders_5',
      'ALTER TABLE orders DETACH PARTITION orders_5',
      'DROP TABLE orders_5',
    );
  },
};

const CHANGE_NAMES = Object.keys(CHANGES);

/** Some of them, one after the other. */
export async function changeSchema(
  place: Place,
  shape: Shape,
  state: State,
  seed: number,
  count: number,
): Promise<void> {
  const random = new Random(seed);
  const operator = new Operator(place);
  try {
    for (let i = 0; i < count; i++) {
      await sleep(random.below(700));
      const name = random.pick(CHANGE_NAMES);
      // A snapshot reads the columns as edp.yaml has them.
      await place.alone(() => CHANGES[name]!({ place, shape, state, random, operator }));
      place.counts.add(`schema: ${name}`);
    }
  } finally {
    await operator.end();
  }
}
