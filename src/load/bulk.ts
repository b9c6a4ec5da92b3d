/**
 * Loads files into an empty table in one transaction. It drops the table's indexes, copies the rows
 * of all splits through one connection, builds the indexes from all rows, and commits rows, rejects
 * and receipts together.
 *
 * What has not committed is lost when the command is killed, so the transaction ends after about a
 * minute, or a tenth of the work, with the splits copied until then; the caller loads the others. It
 * ends in the same way when the run is stopped.
 *
 * Workers scan as in any load, but send their rows to this thread: the server's side of one COPY is
 * the limit, and two transactions could not share the table without its indexes. If the server
 * refuses anything (a duplicate key, a missing reference), everything is rolled back, and the files
 * are loaded split by split, which identifies single records.
 */
import type pg from 'pg';
import { failpoint } from '../base/failpoints.js';
import type { Receipt } from '../ledger/counts.js';
import { hasReceipts, insertReceipts, type LoadedSplit } from '../ledger/receipts.js';
import { identifySession, waitForBackend } from '../postgres/backend.js';
import { withClient } from '../postgres/connection.js';
import { buildIndexes, planIndexes } from '../postgres/indexes.js';
import { INSERTS, mayReplaceChecks } from '../postgres/replaced-checks.js';
import { lockable } from '../postgres/table-in-catalog.js';
import { BulkCopy, type BulkFile, type Copied, type CopyOptions, Undo } from './bulk-copy.js';
import { collectReferences } from './sinks/foreign-keys.js';

export type { BulkFile };

/** Wait for the lock of the table. If it is in use, the files are loaded split by split. */
const LOCK_TIMEOUT_MS = 500;

export interface BulkOptions extends CopyOptions {
  /** Called when all rows are copied, before the indexes are built. */
  onCopied(rows: number): void;
  /** Called after everything is in the transaction. */
  onCommit(isComplete: boolean): void;
}

export type BulkOutcome =
  | ({ readonly kind: 'committed' } & Copied)
  /** Nothing was loaded; the files must be loaded split by split. */
  | { readonly kind: 'undone'; readonly reason: string | undefined };

/** @param files all for the same table */
export async function loadInBulk(
  files: readonly BulkFile[],
  options: BulkOptions,
): Promise<BulkOutcome> {
  const { database, target } = files[0]!.load;
  let copied: Copied | undefined;
  let backend: number | undefined;
  try {
    return await withClient(database, 'bulk', async (client) => {
      await client.query('BEGIN');
      await failpoint('bulk.begun', client);
      await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await client.query(`LOCK TABLE ${target.table} IN ACCESS EXCLUSIVE MODE`);
      await client.query('SET LOCAL lock_timeout = 0');
      await failpoint('bulk.locked', client);
      const indexes = await planIndexes(client, target.table);
      if (indexes === undefined) throw new Undo();
      for (const statement of indexes.drop) await client.query(statement);
      await failpoint('bulk.indexes_off', client);
      if (target.checksForeignKeys && !(await stillReplacesChecks(client, files[0]!))) {
        throw new Undo();
      }
      const copy = new BulkCopy(client, target, files, indexes.drop.length, options);
      copied = await copy.run();
      await failpoint('bulk.copied', client);
      options.onCopied(copy.rows);
      await buildIndexes(client, target.table, indexes);
      await failpoint('bulk.indexes_built', client);
      await insertReceipts(client, listLoaded(files, copied.receipts));
      await failpoint('bulk.receipts', client);
      options.onCommit(copied.completeFiles === files.length);
      ({ backend } = await identifySession(client));
      await client.query('COMMIT');
      await failpoint('bulk.acknowledged', client);
      return { kind: 'committed', ...copied };
    });
  } catch (error) {
    // The acknowledgement of a commit may get lost; the ledger shows whether it happened.
    if (copied !== undefined && backend !== undefined && (await hasCommitted(files, backend))) {
      return { kind: 'committed', ...copied };
    }
    return { kind: 'undone', reason: error instanceof Undo ? undefined : (error as Error).message };
  }
}

/** Whether the workers collect what all checks that are skipped need, as they began to. */
async function stillReplacesChecks(
  client: pg.Client,
  { load: { target, plan } }: BulkFile,
): Promise<boolean> {
  return (
    collectReferences(target, plan) !== undefined &&
    (await mayReplaceChecks(client, target.oid, {
      events: INSERTS,
      foreignKeys: lockable(target.foreignKeys),
      columns: plan.columns.map(({ name }) => name),
    }))
  );
}

export function listLoaded(
  files: readonly BulkFile[],
  receipts: readonly (readonly Receipt[])[],
): LoadedSplit[] {
  return files.flatMap(({ load, dataLine }, i) =>
    withFirstLines(receipts[i]!, dataLine)
      .map(({ firstLine, ...receipt }) => ({
        load,
        firstLine,
        receipt,
        changed: { inserted: receipt.rows.loaded, updated: 0 },
      }))
      .filter(({ receipt: { start, end } }) => end > start),
  );
}

/** The receipts of a file's first splits, each with the line of the file, from 1, at its start. */
export function withFirstLines<Split extends Receipt>(
  receipts: readonly Split[],
  dataLine: number,
): (Split & { readonly firstLine: number })[] {
  let nextLine = dataLine;
  return receipts.map((receipt) => {
    const firstLine = nextLine;
    nextLine += receipt.lineCount;
    return { ...receipt, firstLine };
  });
}

async function hasCommitted(files: readonly BulkFile[], backend: number): Promise<boolean> {
  return withClient(files[0]!.load.database, 'bulk', async (client) => {
    await waitForBackend(client, backend);
    // A file without records has no receipt.
    for (const { load } of files) if (await hasReceipts(client, load.loadId)) return true;
    return false;
  });
}
