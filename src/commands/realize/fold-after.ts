/** Folds what an undo or a replay of a load of change events has changed. */
import { withClient } from '../../postgres/connection.js';
import type { Database } from '../../postgres/database.js';
import { type Folding, foldEvents } from '../../realize/fold.js';
import type { Invocation } from '../command.js';
import { printFolded } from './folded-lines.js';

/** @param log the table of the load, with its schema */
export async function foldAfter(
  { project, output, signal }: Invocation,
  database: Database,
  log: string,
): Promise<Folding> {
  const folding = await withClient(database.client, 'realize', (client) =>
    foldEvents(client, project.model, log, { note: (text) => output.note(text), signal }),
  );
  printFolded(output, folding);
  return folding;
}
