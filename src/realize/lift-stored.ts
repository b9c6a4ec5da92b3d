/** Events of older versions in the log get the names of today, as events get them that are loaded now. */
import type pg from 'pg';
import type { EventTable } from '../events/event-table.js';
import { quoteLiteral } from '../model/ddl.js';
import type { Migration } from '../model/model.js';
import { NEW_LOADS } from './fold-sql.js';

/**
 * Each event is of the version that its row says, whichever edp.yaml it was loaded with.
 *
 * @param from the version of all events that are in no new load
 */
export async function liftStored(
  client: pg.Client,
  log: string,
  { name, version, migrations }: EventTable,
  from: number,
): Promise<void> {
  const which = from < version ? '' : ` AND load_id IN (SELECT load_id FROM ${NEW_LOADS})`;
  for (let step = 2; step <= version; step++) {
    const migration = migrations[step];
    if (migration === undefined && step < version) continue;
    const lifted = migration === undefined ? '' : `, ${liftedColumns(migration)}`;
    await client.query(
      `UPDATE ${log} SET version = $2${lifted} WHERE table_name = $1 AND version < $2${which}`,
      [name, step],
    );
  }
}

function liftedColumns(migration: Migration): string {
  return ['after', 'before', 'errors']
    .map((column) => `${column} = ${liftedSql(column, migration, column === 'after')}`)
    .join(', ');
}

function liftedSql(column: string, migration: Migration, withDefaults: boolean): string {
  const { rename = {}, drop = [], default: defaults = {} } = migration;
  const literal = (text: string) => quoteLiteral(text);
  let sql = column;
  const gone = [...drop, ...Object.keys(rename)];
  if (gone.length > 0) sql = `(${sql} - ARRAY[${gone.map(literal).join(', ')}]::text[])`;
  for (const [old, name] of Object.entries(rename)) {
    const value = `CASE WHEN ${column} ? ${literal(old)} THEN jsonb_build_object(${literal(name)}, ${column} -> ${literal(old)}) ELSE '{}' END`;
    sql = `(${sql} || ${value})`;
  }
  if (withDefaults && Object.keys(defaults).length > 0) {
    const added = `${literal(JSON.stringify(defaults))}::jsonb`;
    sql = `CASE WHEN op IN ('create', 'read') THEN ${added} || ${sql} ELSE ${sql} END`;
  }
  return `CASE WHEN ${column} IS NOT NULL THEN ${sql} END`;
}
