/** Folds what an undo or a replay of a load of change events has changed. */
import { EdpError } from '../../base/errors.js';
import type { ReadersOf } from '../../ledger/value-readers.js';
import { withClient } from '../../postgres/connection.js';
import type { Database } from '../../postgres/database.js';
import { loadWarehouse } from '../../project/load-warehouse.js';
import { type Folding, foldEvents } from '../../realize/fold.js';
import { rawReadersOf } from '../../warehouse/compile/raw-readers.js';
import type { Invocation } from '../command.js';
import { printFolded } from './folded-lines.js';

/** @param log the table of the load, with its schema */
export async function foldAfter(
  { project, output, signal }: Invocation,
  database: Database,
  log: string,
): Promise<Folding> {
  const readersOf = await findReaders(project.directory);
  const folding = await withClient(database.client, 'realize', (client) =>
    foldEvents(client, project.model, log, {
      note: (text) => output.note(text),
      signal,
      ...(readersOf === undefined ? {} : { readersOf }),
    }),
  );
  printFolded(output, folding);
  return folding;
}

/** A fault in what is declared of the warehouse keeps no load from being undone: who reads the tables compares everything. */
async function findReaders(directory: string): Promise<ReadersOf | undefined> {
  try {
    const { warehouse } = await loadWarehouse(directory);
    return rawReadersOf(warehouse.tasks);
  } catch (error) {
    if (error instanceof EdpError) return undefined;
    throw error;
  }
}
