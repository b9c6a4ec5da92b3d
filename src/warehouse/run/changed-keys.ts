/** The keys that a difference changes, for the log of changes, and those that a reader has not seen. */
import type pg from 'pg';
import { type ChangedValues, MOST_LISTED, type UnseenChange } from '../../ledger/changes.js';
import { quoteIdentifier } from '../../model/ddl.js';
import { IS_CURRENT, PREVIOUS_TO, VALID_FROM, VALID_TO } from '../../model/warehouse/versions.js';
import type { Blueprint } from '../compile/blueprint.js';
import { type KeyReader, keyReaderName, keyText } from '../compile/key-readers.js';
import { quoteRelation } from '../compile/relation-shape.js';
import { STAGE } from './delta.js';

/** @param joined SQL: the difference with rows of the stage and of the table that it is about */
export async function keysOf(
  client: pg.Client,
  blueprint: Blueprint,
  readers: readonly KeyReader[],
  joined: string,
): Promise<ChangedValues> {
  const keys: Record<string, readonly string[] | null> = {};
  for (const reader of readers) {
    const changed = reader.isOfVersions
      ? versionsSql(blueprint, reader.columns, joined)
      : rowsSql(reader.columns, joined);
    const { rows } = await client.query<{ key: string }>(
      `SELECT DISTINCT key::text AS key FROM (${changed}) AS changed (key) LIMIT ${MOST_LISTED + 1}`,
    );
    keys[keyReaderName(reader)] = rows.length > MOST_LISTED ? null : rows.map(({ key }) => key);
  }
  return keys;
}

function rowsSql(columns: readonly string[], joined: string): string {
  return `SELECT ${keyText(columns, 'stage')} ${joined} WHERE d.new IS NOT NULL
    UNION ALL SELECT ${keyText(columns, 'made')} ${joined} WHERE d.old IS NOT NULL`;
}

/**
 * A version that comes or goes changes who is there while it is valid; the first one also before. Where the end of
 * a version moved, it is the time between. One that is the first now, or was, also changes who is there before it.
 */
function versionsSql(
  { relation, hasEnds }: Blueprint,
  columns: readonly string[],
  joined: string,
): string {
  const isFirst = (of: string, table: string) => {
    if (hasEnds === true) return `${of}.${PREVIOUS_TO} IS NULL`;
    const isSame = columns.map((name) => {
      const quoted = quoteIdentifier(name);
      return `earlier.${quoted} = ${of}.${quoted}`;
    });
    return `NOT EXISTS (SELECT FROM ${table} AS earlier
      WHERE ${isSame.join(' AND ')} AND earlier.${VALID_TO} = ${of}.${VALID_FROM})`;
  };
  const whole = (of: string, table: string) =>
    keyText(
      columns,
      of,
      `CASE WHEN ${isFirst(of, table)} THEN NULL ELSE ${of}.${VALID_FROM}::text END`,
      `${of}.${VALID_TO}::text`,
    );
  const [earlier, later] = ['least', 'greatest'].map(
    (end) => `${end}(stage.${VALID_TO}, made.${VALID_TO})`,
  );
  const between = keyText(
    columns,
    'stage',
    `${earlier}::text`,
    `CASE WHEN stage.${IS_CURRENT} OR made.${IS_CURRENT} THEN NULL ELSE ${later}::text END`,
  );
  const before = keyText(columns, 'stage', 'NULL', `stage.${VALID_FROM}::text`);
  const ofFirst =
    hasEnds === true
      ? `
    UNION ALL SELECT ${before} ${joined} WHERE d.old IS NOT NULL AND d.new IS NOT NULL
      AND (stage.${PREVIOUS_TO} IS NULL) <> (made.${PREVIOUS_TO} IS NULL)`
      : '';
  return `SELECT ${whole('stage', STAGE)} ${joined} WHERE d.old IS NULL
    UNION ALL SELECT ${whole('made', quoteRelation(relation))} ${joined} WHERE d.new IS NULL
    UNION ALL SELECT ${between} ${joined}
      WHERE d.old IS NOT NULL AND d.new IS NOT NULL AND stage.${VALID_TO} IS DISTINCT FROM made.${VALID_TO}${ofFirst}`;
}

/** @returns undefined where an entry does not list them */
export function listChanged(
  unseen: readonly UnseenChange[],
  reader: KeyReader,
): string[] | undefined {
  const name = keyReaderName(reader);
  const all = new Set<string>();
  for (const { kind, keys } of unseen) {
    const changed = keys?.[name];
    if (kind === 'definition' || changed === undefined || changed === null) return undefined;
    for (const key of changed) all.add(key);
  }
  return [...all];
}
