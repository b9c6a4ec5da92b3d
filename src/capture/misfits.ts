/** Where what is installed is not what edp.yaml says, as far as it can be seen without any right on the captured tables. */
import type pg from 'pg';
import type { Capture } from '../model/capture.js';
import { findNamedTable, type Model } from '../model/model.js';
import { definitionOf } from './definition.js';
import { readModels } from './read-installed.js';

/** @returns a sentence by model that is installed otherwise, or not at all; empty where all is as edp.yaml says */
export async function readMisfits(
  client: pg.Client,
  capture: Capture,
  model: Model,
): Promise<ReadonlyMap<string, string>> {
  const installed = await readModels(client);
  const misfits = new Map<string, string>();
  for (const declared of capture.tables) {
    const table = findNamedTable(model, declared.table)!;
    const there = installed.get(table.name);
    if (there === undefined) misfits.set(table.name, `${table.name} is not installed`);
    else if (there.definition !== definitionOf(capture, declared, table)) {
      misfits.set(
        table.name,
        `${table.name} is installed otherwise than edp.yaml says (version ${there.version}, from ${there.source})`,
      );
    }
    installed.delete(table.name);
  }
  for (const name of installed.keys()) {
    misfits.set(name, `${name} is installed, and edp.yaml does not capture it`);
  }
  return misfits;
}

/** Calculations whose SQL does not fit the source any more: a sentence for each model. */
export async function readStuck(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ model: string; error: string }>(
    `SELECT model, min(error) AS error
     FROM edp_capture.due WHERE error IS NOT NULL GROUP BY model ORDER BY model`,
  );
  return rows.map(
    ({ model, error }) =>
      `${model}: a calculation does not fit the source, and its rows wait for edp capture install (${error})`,
  );
}
