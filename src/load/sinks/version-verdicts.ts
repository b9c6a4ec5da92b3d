/**
 * Which staged records bring a new version of their key: those that differ from the version before them, be it a staged
 * record or a row. The others are duplicates.
 *
 * The version before a record is the last one by load and place. It counts only where nothing can come between the two
 * any more: while an earlier load goes on, or is being undone, its neighbours are kept, and two versions that are equal
 * after all do no harm.
 */
import type pg from 'pg';
import { quoteIdentifier } from '../../model/ddl.js';
import { ENDED_COLUMN, OFFSET_COLUMN } from '../../model/kept-versions.js';
import {
  isCopied,
  isLineage,
  isOffset,
  ORDINAL_SQL,
  open,
  STAGE,
  type StagedColumn,
  type StagingOptions,
  VERDICTS,
} from './staged-rows.js';

/** Types whose values are identical where they are equal. */
const EXACT_TYPES: ReadonlySet<string> = new Set([
  'smallint',
  'int',
  'bigint',
  'boolean',
  'date',
  'timestamp',
  'timestamptz',
  'uuid',
]);

const OFFSET = quoteIdentifier(OFFSET_COLUMN);

/** @param condition on the staged rows `s`, which are compared with each other and with rows of the table */
export function versionVerdicts(options: StagingOptions, condition: string): string {
  const { target, columns } = options;
  const key = target.key.map((name) => `s.${quoteIdentifier(name)}`);
  const load = quoteIdentifier(columns.find(isLineage)!.name);
  const isSame = (other: string) => sameValues(options, 's', other);
  const isAlive = target.isSnapshot ? `NOT t.${quoteIdentifier(ENDED_COLUMN)}` : 'true';
  return `INSERT INTO ${VERDICTS}
     SELECT s.${ORDINAL_SQL}, 'duplicate',
            CASE WHEN m.previous IS NULL THEN concat_ws(' ', t.${load}, t.${OFFSET}) ELSE '' END
     FROM (SELECT s.${ORDINAL_SQL} AS ordinal, lag(s.${ORDINAL_SQL}) OVER w AS previous FROM ${STAGE} s
           WHERE ${open('s')} AND ${condition}
           WINDOW w AS (PARTITION BY ${key.join(', ')} ORDER BY s.${ORDINAL_SQL})) m
     JOIN ${STAGE} s ON s.${ORDINAL_SQL} = m.ordinal
     LEFT JOIN ${STAGE} o ON o.${ORDINAL_SQL} = m.previous
     LEFT JOIN LATERAL (
       SELECT t.* FROM ${target.table} t WHERE m.previous IS NULL AND ${isOfKey(options)} AND ${isBefore(options, load)}
       ORDER BY ${latestFirst(options, load)} LIMIT 1) t ON true
     WHERE CASE WHEN m.previous IS NOT NULL THEN ${isSame('o')}
                ELSE t.${load} IS NOT NULL AND ${isAlive} AND ${isSettled(options, load)} AND ${isSame('t')} END`;
}

function isOfKey({ target, nearby }: StagingOptions): string {
  return [
    ...target.key.map(quoteIdentifier).map((column) => `t.${column} = s.${column}`),
    ...(nearby === undefined ? [] : [nearby]),
  ].join(' AND ');
}

/** Loads of a dry run have numbers below zero, and come behind all others. */
function isBefore({ loadId }: StagingOptions, load: string): string {
  const isEarlierLoad = loadId > 0 ? `t.${load} < ${loadId}` : `t.${load} > ${loadId}`;
  return `(${isEarlierLoad} OR (t.${load} = ${loadId} AND t.${OFFSET} < s.${OFFSET}))`;
}

function latestFirst({ loadId }: StagingOptions, load: string): string {
  return loadId > 0
    ? `t.${load} DESC, t.${OFFSET} DESC`
    : `t.${load} > 0, abs(t.${load}) DESC, t.${OFFSET} DESC`;
}

/** Whether no other version can come between the row `t` and a record of this load. */
function isSettled({ loadId }: StagingOptions, load: string): string {
  return `(t.${load} < 0 OR t.${load} > coalesce((
       SELECT max(l.load_id) FROM edp.loads own JOIN edp.loads l USING (schema_name, table_name)
       WHERE own.load_id = ${loadId} AND l.load_id > 0 ${loadId > 0 ? `AND l.load_id < ${loadId}` : ''}
         AND l.state IN ('loading', 'undoing') AND l.gone_at IS NULL), 0))`;
}

/** Compares what records bring, exactly: two spellings of one value are two versions. */
function sameValues({ target, columns }: StagingOptions, left: string, right: string): string {
  const isCompared = (column: StagedColumn) =>
    !isLineage(column) && !isCopied(column) && !isOffset(column);
  return (
    columns
      .filter(isCompared)
      .map(({ name, type }) => {
        const cast = EXACT_TYPES.has(type) && !target.others.has(name) ? '' : '::text COLLATE "C"';
        const column = quoteIdentifier(name);
        return `${left}.${column}${cast} IS NOT DISTINCT FROM ${right}.${column}${cast}`;
      })
      .join(' AND ') || 'true'
  );
}

/**
 * Remembers which versions of earlier loads the duplicates repeat, where files hold all members: these have not ended.
 * Called once all staged records have their verdicts.
 */
export async function noteSeen(client: pg.Client, { loadId }: StagingOptions): Promise<void> {
  await client.query(
    `INSERT INTO edp.seen_versions (load_id, version_load, version_offset)
     SELECT DISTINCT $1::bigint, split_part(v.reason, ' ', 1)::bigint, split_part(v.reason, ' ', 2)::bigint
     FROM ${VERDICTS} v WHERE v.code = 'duplicate' AND v.reason <> ''
     ON CONFLICT DO NOTHING`,
    [loadId],
  );
}
