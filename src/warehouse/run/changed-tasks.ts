/** Tasks whose definition is another one than when they were made, or that were never made. */

import type { Warehouse } from '../../model/warehouse/task.js';
import { withClient } from '../../postgres/connection.js';
import type { Database } from '../../postgres/database.js';
import { compileTask } from '../compile/compile-task.js';
import { viewDefinition } from './run-view.js';
import { readState } from './task-state.js';

export function listChanged(database: Database, warehouse: Warehouse): Promise<Set<string>> {
  return withClient(database.client, 'task', async (client) => {
    const changed = new Set<string>();
    for (const task of warehouse.tasks) {
      const state = await readState(client, task.name);
      // What it reads may not be there yet.
      const definition = await (task.kind === 'view'
        ? viewDefinition(client, task)
        : compileTask(client, task, warehouse).then((compiled) => compiled.definition)
      ).catch(() => undefined);
      if (state === undefined || state.definition !== definition) changed.add(task.name);
    }
    return changed;
  });
}
