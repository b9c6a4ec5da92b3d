/** Events of older versions in the log get the names of today, as events get them that are loaded now. */
import type pg from 'pg';
import type { EventTable } from '../events/event-table.js';
import { quoteLiteral } from '../model/ddl.js';
import type { Migration } from '../model/model.js';

/** @param from the version whose names the log has */
export async function liftStored(
  client: pg.Client,
  log: string,
  { name, version, migrations }: EventTable,
  from: number,
): Promise<void> {
  for (let step = from + 1; step <= version; step++) {
    const migration = migrations[step];
    if (migration === undefined) continue;
    await client.query(
      `UPDATE ${log} SET after = ${liftedSql('after', migration, true)}, before = ${liftedSql('before', migration, false)}
       WHERE table_name = $1 AND version < $2 AND (after IS NOT NULL OR before IS NOT NULL)`,
      [name, step],
    );
  }
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
