/**
 * `edp undo`: removes what a load brought, so that its file can be loaded again.
 *
 * hold → check → mark → rows → inferred members → rejects → receipts → close. Each step, and each
 * batch of a step, is a transaction that also subtracts what it removes from the counts of the
 * load: at every moment they show what is still there. From `mark` on the load is `undoing`: its
 * receipts show what there was, and no run resumes by them. Every step looks for what exists, so
 * after a kill the command begins at the first step again and finds less to do.
 */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import { tell } from '../../base/happenings.js';
import { assertNotRenamed } from '../../ledger/former-tables.js';
import {
  explainPrivileges,
  type HeldLoad,
  type LoadRecord,
  readLoad,
  withHeldLoad,
} from '../../ledger/held-load.js';
import { openLedger } from '../../ledger/ledger-queries.js';
import type { LoadState } from '../../ledger/load-state.js';
import { passOnMemberEnds, type SnapshotTable, snapshotOf } from '../../ledger/member-ends.js';
import { listReplaced, type ReplacedLoad } from '../../ledger/replaced-loads.js';
import { findTableAt, type Model, type Table } from '../../model/model.js';
import { formatTableName, plainTableName, type TablePlace } from '../../model/table-name.js';
import { withClient } from '../../postgres/connection.js';
import type { Database } from '../../postgres/database.js';
import { countInferredMembers, removeInferredMembers } from './members.js';
import { assertNotReferenced, rowsOfLoad } from './referrers.js';
import { inspectLineage, type LineageTable } from './relations.js';
import { removeReceipts, removeRejects } from './remove-records.js';
import { removeRows } from './remove-rows.js';

const NEEDED_PRIVILEGES =
  'SELECT and DELETE on the table and its partitions (and UPDATE where others refer to it), SELECT, UPDATE and DELETE on the tables of schema edp';

/** @throws EdpError `database_refused`, before anything is removed */
async function assertMayRemove(client: pg.Client, table: LineageTable | undefined): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM unnest($1::text[]) AS name
     WHERE NOT (has_table_privilege(name, 'SELECT') AND has_table_privilege(name, 'DELETE'))`,
    [['edp.rejects', 'edp.receipts', ...(table?.relations ?? []).map(({ name }) => name)]],
  );
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => name).join(', ');
  throw new EdpError('database_refused', `this role may not remove rows of ${names}`, {
    hint: `undo takes ${NEEDED_PRIVILEGES}`,
  });
}

export interface UndoResult {
  readonly loadId: number;
  readonly path: string;
  readonly schema: string;
  readonly table: string;
  /** `undoing` where it was stopped before the end. */
  readonly state: LoadState;
  readonly seconds: number;
  /** Counts of this command; an earlier one may have removed a part. */
  readonly removed: {
    readonly rows: number;
    readonly rejects: number;
    readonly receipts: number;
    readonly inferredMembers: number;
  };
  /**
   * Records that were loaded and no longer have a row of their own: it was replaced by later loads,
   * or by later records of the same file, or removed by hand.
   */
  readonly rowsGoneBefore: number;
  /** Rows of other loads whose values it had replaced; the earlier values are lost. */
  readonly rowsReplaced: number;
  /** Members it inferred that stay, since other rows refer to them or a file gave them values. */
  readonly keptInferredMembers: number;
  /**
   * Other loads of the table that counted duplicates; the rows that these repeated may have been
   * removed.
   */
  readonly loadsWithDuplicates: readonly number[];
  /** Loads whose rows it had replaced as the content of the table; the rows cannot be brought back. */
  readonly replacedLoads: readonly ReplacedLoad[];
  readonly isInterrupted: boolean;
  /** The error that ended it early, if any. */
  readonly failure?: unknown;
}

/** What else is to be done for the rows of a load. */
export interface UndoHooks {
  /** In the transaction that marks the load, before its rows go: again where an undo goes on. */
  marked?(client: pg.Client, load: LoadRecord): Promise<void>;
}

export interface UndoProgress {
  step(name: string, total: number): void;
  /** @param done of the step's total; @param rows removed by the step */
  advance(done: number, rows: number): void;
}

/** What the user is asked to confirm before anything is removed. */
export async function describeUndo(
  database: Database,
  model: Model,
  loadId: number,
): Promise<LoadRecord> {
  return withClient(database.client, 'undo', async (client) => {
    await openLedger(client);
    const load = await readLoad(client, loadId);
    if (load.state !== 'undone') requireLineage(model, load);
    return load;
  });
}

export async function undo(
  database: Database,
  model: Model,
  loadId: number,
  progress: UndoProgress,
  signal: AbortSignal,
  hooks: UndoHooks = {},
): Promise<UndoResult> {
  const startedAt = performance.now();
  return withHeldLoad(database.client, 'undo', loadId, signal, async (hold) => {
    const load = await hold.look();
    const run = new UndoRun(hold, load, progress, signal, hooks);
    let failure: unknown;
    try {
      if (load.state !== 'undone') await run.execute(requireLineage(model, load));
    } catch (error) {
      failure = explainPrivileges(error, 'undo loads', NEEDED_PRIVILEGES);
    }
    const result = await run.result().catch((error: unknown) => {
      throw failure ?? error;
    });
    tellUndone(load.place, result, run.members);
    const seconds = (performance.now() - startedAt) / 1000;
    return { ...result, seconds, ...(failure === undefined ? {} : { failure }) };
  });
}

/** @param members inferred ones that went with it, by table */
function tellUndone(
  place: TablePlace,
  { loadId, removed }: Pick<UndoResult, 'loadId' | 'removed'>,
  members: Readonly<Record<string, number>>,
): void {
  const tellDeleted = (table: string, deleted: number) => {
    if (deleted === 0) return;
    tell({ kind: 'rows_changed', table, loadId, change: { inserted: 0, updated: 0, deleted } });
  };
  tellDeleted(formatTableName(place), removed.rows);
  for (const [table, rows] of Object.entries(members)) tellDeleted(plainTableName(table), rows);
}

/**
 * The table whose lineage column identifies the rows of the load; undefined where it brought none.
 *
 * @throws EdpError `no_lineage`, `unknown_table`
 */
function requireLineage(model: Model, load: LoadRecord): LineageModel | undefined {
  const table = findTableAt(model, load.place);
  if (hasLineage(table)) return table;
  if (load.rows.loaded === 0) return undefined;
  if (table === undefined) {
    throw new EdpError(
      'unknown_table',
      `load ${load.loadId} went into table "${load.table}", which the model does not have (any more)`,
      { hint: 'declare the table in edp.yaml as it was, or run edp in the project that loads it' },
    );
  }
  throw new EdpError(
    'no_lineage',
    `load ${load.loadId} cannot be undone: table "${load.table}" has no lineage column (lineage: false), so nothing shows which of its rows this load brought`,
    {
      hint: `remove the rows by hand and load the file again with --force; for loads to come, give the table a lineage column in edp.yaml`,
    },
  );
}

type LineageModel = Table & { readonly lineageColumn: string };

function hasLineage(table: Table | undefined): table is LineageModel {
  return table?.lineageColumn !== undefined;
}

class UndoRun {
  readonly #hold: HeldLoad;
  readonly #load: LoadRecord;
  readonly #progress: UndoProgress;
  readonly #signal: AbortSignal;
  readonly #hooks: UndoHooks;
  #receipts = 0;
  /** Inferred members that it removed: table, as SQL has it → rows. */
  #members: Readonly<Record<string, number>> = {};
  #rowsGoneBefore = 0;

  constructor(
    hold: HeldLoad,
    load: LoadRecord,
    progress: UndoProgress,
    signal: AbortSignal,
    hooks: UndoHooks,
  ) {
    this.#hold = hold;
    this.#load = load;
    this.#progress = progress;
    this.#signal = signal;
    this.#hooks = hooks;
  }

  get members(): Readonly<Record<string, number>> {
    return this.#members;
  }

  async execute(model: LineageModel | undefined): Promise<void> {
    const { loadId, place } = this.#load;
    await this.#hold.read((client) => assertNotRenamed(client, loadId));
    const table =
      model && (await this.#hold.read((client) => inspectLineage(client, model, place)));
    await this.#hold.read((client) => assertMayRemove(client, table));
    if (table !== undefined) await this.#check(table);
    await failpoint('undo.checked');
    if (this.#signal.aborted) return;
    // Repeats what a crash of the server took back.
    for (let isClosed = false; !isClosed && !this.#signal.aborted; ) {
      const { sessions } = this.#hold;
      await this.#remove(table, model);
      isClosed = await this.#close(sessions);
    }
    await failpoint('undo.closed');
  }

  async #remove(table: LineageTable | undefined, model: LineageModel | undefined): Promise<void> {
    await this.#mark(table && model && snapshotOf(model, { oid: table.oid, table: table.name }));
    await failpoint('undo.marked');
    if (table !== undefined) await this.#removeRows(table);
    await failpoint('undo.rows_removed');
    await this.#removeMembers();
    await failpoint('undo.members_removed');
    await this.#removeRejects();
    await failpoint('undo.rejects_removed');
    await this.#removeReceipts();
    await failpoint('undo.receipts_removed');
  }

  /** Checks first whether the undo can be completed, so that nothing is removed where it cannot. */
  async #check(table: LineageTable): Promise<void> {
    this.#progress.step('looking for rows that refer to it', 0);
    await this.#hold.read((client) =>
      assertNotReferenced(client, table, table.referrers, rowsOfLoad(table, this.#load.loadId)),
    );
  }

  /** @param snapshot the table, where its files hold all members */
  async #mark(snapshot: SnapshotTable | undefined): Promise<void> {
    await this.#hold.transaction(async (client) => {
      await this.#hold.changeState(client, 'undoing');
      await this.#hooks.marked?.(client, this.#load);
      if (snapshot !== undefined) await passOnMemberEnds(client, snapshot, this.#load.loadId);
    });
  }

  async #removeRows(table: LineageTable): Promise<void> {
    await removeRows(
      this.#hold,
      table,
      {
        start: (blocks) => this.#progress.step('removing rows', blocks),
        advance: (blocks, rows) => this.#progress.advance(blocks, rows),
      },
      this.#signal,
    );
  }

  async #removeMembers(): Promise<void> {
    if (this.#signal.aborted) return;
    await removeInferredMembers(this.#hold, this.#signal, (table, rows) => {
      this.#members = { ...this.#members, [table]: (this.#members[table] ?? 0) + rows };
    });
  }

  async #removeRejects(): Promise<void> {
    if (this.#signal.aborted) return;
    this.#progress.step('removing rejects', this.#load.rows.rejected);
    await removeRejects(this.#hold, (n) => this.#progress.advance(n, 0), this.#signal);
  }

  async #removeReceipts(): Promise<void> {
    if (this.#signal.aborted) return;
    this.#progress.step('removing receipts', 0);
    await removeReceipts(
      this.#hold,
      (n) => {
        this.#receipts += n;
      },
      this.#signal,
    );
  }

  /**
   * @param sessions number of the session in which the steps were to be done
   * @returns false where another session began meanwhile, and so nothing is closed
   */
  async #close(sessions: number): Promise<boolean> {
    if (this.#signal.aborted) return false;
    const { loaded } = (await this.#hold.look()).rows;
    return this.#hold.transaction(async (client) => {
      if (this.#hold.sessions !== sessions) return false;
      await this.#hold.finishUndo(client);
      this.#rowsGoneBefore = Math.max(this.#rowsGoneBefore, loaded);
      return true;
    });
  }

  async result(): Promise<Omit<UndoResult, 'seconds'>> {
    const { loadId, path, place, table, rows: before, replaced } = this.#load;
    const { state, rows: after } = await this.#hold.look();
    const rest = await this.#hold.read(async (client) => ({
      keptInferredMembers: await countInferredMembers(client, loadId),
      loadsWithDuplicates: await listLoadsWithDuplicates(client, this.#load),
      replacedLoads: await listReplaced(client, loadId),
    }));
    return {
      loadId,
      path,
      schema: place.schema,
      table,
      state,
      removed: {
        rows: before.loaded - after.loaded - this.#rowsGoneBefore,
        rejects: before.rejected - after.rejected,
        receipts: this.#receipts,
        inferredMembers: Object.values(this.#members).reduce((sum, rows) => sum + rows, 0),
      },
      rowsGoneBefore: this.#rowsGoneBefore,
      rowsReplaced: replaced,
      ...rest,
      isInterrupted: this.#signal.aborted && state !== 'undone',
    };
  }
}

/** Their duplicates may have been records whose rows were removed with this load. */
async function listLoadsWithDuplicates(
  client: pg.Client,
  { loadId, place, startedAt }: LoadRecord,
): Promise<number[]> {
  const { rows } = await client.query<{ load_id: number }>(
    `SELECT load_id FROM edp.loads
     WHERE schema_name = $1 AND table_name = $2 AND load_id <> $3 AND rows_duplicate > 0
       AND gone_at IS NULL AND (finished_at IS NULL OR finished_at > $4)
     ORDER BY load_id DESC LIMIT 100`,
    [place.schema, place.name, loadId, startedAt],
  );
  return rows.map(({ load_id }) => load_id);
}
