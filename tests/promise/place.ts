/** The database of a sequence: its bronze tables are filled and emptied as edp's commands do it. */
import type pg from 'pg';
import { recordChanges, recordDefinition } from '../../src/ledger/changes.js';
import { passOnMemberEnds, writeMemberEnds } from '../../src/ledger/member-ends.js';
import { quoteColumns, quoteIdentifier } from '../../src/model/ddl.js';
import type { Model } from '../../src/model/model.js';
import { ensureTable } from '../../src/postgres/tables.js';
import {
  BRONZE,
  BRONZE_NAMES,
  type BronzeName,
  type BronzeTable,
  OF_VERSIONS,
  type Row,
} from './bronze.js';
import { insertVersions, snapshotTable } from './snapshots.js';

const LEDGER = [
  'loads',
  'tasks',
  'stale_slices',
  'task_runs',
  'unknown_keys',
  'check_failures',
  'changes',
  'runs',
];

export async function emptyDatabase(client: pg.Client, model: Model): Promise<void> {
  await client.query('DROP SCHEMA IF EXISTS silver CASCADE; DROP SCHEMA IF EXISTS gold CASCADE');
  await client.query(
    'DROP SCHEMA IF EXISTS silver__dev CASCADE; DROP SCHEMA IF EXISTS gold__dev CASCADE',
  );
  await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await client.query(`TRUNCATE ${LEDGER.map((name) => `edp.${name}`).join(', ')} CASCADE`);
  for (const table of model.tables) await ensureTable(client, model, table, recordDefinition);
}

interface Loaded {
  readonly rows: readonly Row[];
  /** From when they are valid. */
  readonly effective: string;
}

export class Bronze {
  readonly #client: pg.Client;
  #loads = 0;
  /** Loads that are not undone, with their tables. */
  readonly #live: { readonly id: number; readonly table: BronzeName }[] = [];

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /** A load, with the entries of its receipt. @param between runs between two splits of it */
  async load(
    table: BronzeName,
    { rows, effective }: Loaded,
    updates: boolean,
    between?: () => Promise<void>,
  ): Promise<void> {
    const id = await this.#begin(table, effective);
    this.#live.push({ id, table });
    const middle = between === undefined ? rows.length : rows.length >> 1;
    await this.#split(id, table, rows.slice(0, middle), updates);
    if (between !== undefined) {
      await between();
      await this.#split(id, table, rows.slice(middle), updates);
    }
    await this.#end(id, table);
  }

  /** The members that it lacks, where it holds all of them. */
  async #end(id: number, table: BronzeName): Promise<void> {
    const own: BronzeTable = BRONZE[table];
    await this.#within(async () => {
      if (own.isSnapshot) {
        const snapshot = await snapshotTable(this.#client, table);
        await writeMemberEnds(this.#client, snapshot, { loadId: id, attempt: 0 }, true);
      }
      await this.#client.query("UPDATE edp.loads SET state = 'loaded' WHERE load_id = $1", [id]);
    });
  }

  /** What dimensions read of a load. */
  async #begin(table: BronzeName, effective: string): Promise<number> {
    await this.#client.query(
      `INSERT INTO edp.loads (load_id, path, table_name, size_bytes, content_hash, header, file_format, model_hash, effective_at)
       OVERRIDING SYSTEM VALUE VALUES ($1::bigint, 'a file', $2, 0, $1::bigint::text, '', '{}', '', $3)`,
      [++this.#loads, table, effective],
    );
    return this.#loads;
  }

  async #split(
    id: number,
    table: BronzeName,
    rows: readonly Row[],
    updates: boolean,
  ): Promise<void> {
    await this.#within(async () => {
      const counts = await this.#insert(id, table, rows, updates);
      await recordChanges(
        this.#client,
        (['inserted', 'updated'] as const).flatMap((kind) =>
          counts[kind] === 0
            ? []
            : [{ relation: `public.${table}`, kind, rows: counts[kind], loadId: id }],
        ),
      );
    });
  }

  async #insert(id: number, table: BronzeName, rows: readonly Row[], updates: boolean) {
    const { columns, key, isSnapshot }: BronzeTable = BRONZE[table];
    const names = Object.keys(columns);
    if (isSnapshot) {
      const inserted = await insertVersions(this.#client, table, id, rows);
      return { inserted, updated: 0 };
    }
    const counts = { inserted: 0, updated: 0 };
    const sets = [...names.filter((name) => !key.includes(name)), 'load_id'].map(
      (name) => `${name} = excluded.${name}`,
    );
    const others = names.filter((name) => !key.includes(name));
    const conflict =
      key.length === 0
        ? ''
        : !updates
          ? 'ON CONFLICT DO NOTHING'
          : `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${sets.join(', ')}
             WHERE (${others.map((name) => `t.${name}`).join(', ')}) IS DISTINCT FROM (${others.map((name) => `excluded.${name}`).join(', ')})`;
    for (const row of rows) {
      const values = names.map((name) => row[name] ?? null);
      const made = await this.#client.query<{ fresh: boolean }>(
        `INSERT INTO public.${table} AS t (${quoteColumns(names)}, load_id)
         VALUES (${names.map((_, i) => `$${i + 2}`).join(', ')}, $1) ${conflict} RETURNING (xmax = 0) AS fresh`,
        [id, ...values],
      );
      for (const { fresh } of made.rows) counts[fresh ? 'inserted' : 'updated']++;
    }
    return counts;
  }

  async undo(which: number): Promise<void> {
    if (this.#live.length === 0) return;
    const [{ id, table }] = this.#live.splice(which < 0 ? which : which % this.#live.length, 1) as [
      { id: number; table: BronzeName },
    ];
    await this.#within(async () => {
      const own: BronzeTable = BRONZE[table];
      if (own.isSnapshot) {
        await passOnMemberEnds(this.#client, await snapshotTable(this.#client, table), id);
      }
      await this.#client.query("UPDATE edp.loads SET state = 'undone' WHERE load_id = $1", [id]);
      const { rowCount } = await this.#client.query(
        `DELETE FROM public.${table} WHERE load_id = $1`,
        [id],
      );
      if ((rowCount ?? 0) === 0) return;
      await recordChanges(this.#client, [
        { relation: `public.${table}`, kind: 'deleted', rows: rowCount ?? 0, loadId: id },
      ]);
    });
  }

  /** As `--replace`: the entry of what goes names no load. */
  async replace(table: BronzeName, { rows, effective }: Loaded): Promise<void> {
    const id = await this.#begin(table, effective);
    for (let i = this.#live.length - 1; i >= 0; i--)
      if (this.#live[i]!.table === table) this.#live.splice(i, 1);
    this.#live.push({ id, table });
    await this.#within(async () => {
      const { rowCount } = await this.#client.query(`DELETE FROM public.${table}`);
      const relation = `public.${table}`;
      if ((rowCount ?? 0) > 0)
        await recordChanges(this.#client, [{ relation, kind: 'deleted', rows: rowCount ?? 0 }]);
      const { inserted } = await this.#insert(id, table, rows, false);
      if (inserted > 0)
        await recordChanges(this.#client, [
          { relation, kind: 'inserted', rows: inserted, loadId: id },
        ]);
    });
  }

  async promote(column: string, value: string | null): Promise<void> {
    await this.#within(async () => {
      await this.#client.query(`ALTER TABLE public.events ADD ${quoteIdentifier(column)} text`);
      await recordDefinition(this.#client, 'public.events');
    });
    if (value === null) return;
    await this.#within(async () => {
      const { rowCount } = await this.#client.query(
        `UPDATE public.events SET ${quoteIdentifier(column)} = $1 WHERE qty > 2`,
        [value],
      );
      if ((rowCount ?? 0) > 0)
        await recordChanges(this.#client, [
          { relation: 'public.events', kind: 'updated', rows: rowCount ?? 0 },
        ]);
    });
  }

  async read(): Promise<Record<BronzeName, Row[]>> {
    const all: Partial<Record<BronzeName, Row[]>> = {};
    for (const name of BRONZE_NAMES) {
      const own: BronzeTable = BRONZE[name];
      const ofVersions = own.isSnapshot ? OF_VERSIONS : [];
      const columns = [...Object.keys(own.columns), 'load_id', ...ofVersions];
      const { rows } = await this.#client.query<Row>(
        `SELECT ${columns.map((column) => `t.${column}::text AS ${column}`).join(', ')}, effective_at::text
         FROM public.${name} AS t LEFT JOIN edp.loads USING (load_id)`,
      );
      all[name] = rows;
    }
    return all as Record<BronzeName, Row[]>;
  }

  async #within(work: () => Promise<void>): Promise<void> {
    await this.#client.query('BEGIN');
    await work();
    await this.#client.query('COMMIT');
  }
}
