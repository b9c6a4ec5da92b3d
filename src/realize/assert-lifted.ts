/** Whether the events of a load have the keys and the names of today: their file is read by these. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { getFileFormat, getLoad, openLedger } from '../ledger/ledger-queries.js';
import { quoteTable } from '../model/ddl.js';
import type { Model } from '../model/model.js';
import { isRealizable } from '../model/realized-model.js';
import { bareName, formatTableName } from '../model/table-name.js';
import { hasEvents, toEventTables } from './event-log-table.js';
import { assertKeysKept } from './keys-in-log.js';

/**
 * Of a load of other records, there is nothing to say.
 *
 * @throws EdpError `model`
 */
export async function assertLifted(client: pg.Client, model: Model, loadId: number): Promise<void> {
  await openLedger(client);
  const load = await getLoad(client, loadId);
  if (
    load.state === 'undone' ||
    load.state === 'gone' ||
    !hasEvents(await getFileFormat(client, loadId))
  )
    return;
  const name = formatTableName({ schema: load.schema, name: bareName(load.table) });
  await assertKeysKept(client, name, toEventTables(model));
  const log = quoteTable(name);
  const versions = model.tables
    .filter(isRealizable)
    .map(({ name, version = 1 }) => [name, version] as const);
  const { rows } = await client.query<{ name: string; version: number; today: number }>(
    `SELECT l.table_name AS name, l.version, v.today FROM ${log} l
       JOIN unnest($2::text[], $3::int[]) AS v (name, today) ON v.name = l.table_name AND l.version < v.today
     WHERE l.load_id = $1 LIMIT 1`,
    [loadId, versions.map(([name]) => name), versions.map(([, version]) => version)],
  );
  const [old] = rows;
  if (old === undefined) return;
  throw new EdpError(
    'model',
    `the log has events of "${old.name}" by version ${old.version}, and the model is of version ${old.today}, by which their file is read`,
    { hint: 'edp realize lifts them to it; then verify again' },
  );
}
