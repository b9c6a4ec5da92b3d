/** Rows that were kept as they were (`edp_capture.unmapped`) → events, by the mapping of today, with the numbers of their statements. */
import type pg from 'pg';
import { quoteLiteral, quoteName } from '../model/ddl.js';
import { CHANGE_COLUMNS, changeQuery, type RowOp } from './event-sql.js';
import { quoteFor, VALUE_SETTINGS_SQL } from './function-parts.js';
import type { InstallStep } from './install-steps.js';
import { type CapturedSource, type CapturePlan, placeText } from './plan.js';
import { NO_SCHEMAS } from './search-path.js';
import { AT_COMMIT, notedIn, ofNoted, touchQuery } from './touch-sql.js';

const OPS: readonly RowOp[] = ['insert', 'update', 'delete'];

export interface KeptRows {
  readonly source: string;
  readonly statements: number;
  readonly error: string;
}

export async function readKept(client: pg.Client): Promise<KeptRows[]> {
  const { rows } = await client.query<{ source: string; statements: string; error: string }>(
    `SELECT source, count(DISTINCT sequence) AS statements, (array_agg(error ORDER BY sequence DESC))[1] AS error
     FROM edp_capture.unmapped GROUP BY source ORDER BY source`,
  );
  return rows.map(({ source, statements, error }) => ({
    source,
    statements: Number(statements),
    error,
  }));
}

/** Steps for the sources that have such rows. */
export function mapSteps({ sources }: CapturePlan, kept: readonly KeptRows[]): InstallStep[] {
  return sources
    .filter(({ table }) => kept.some(({ source }) => source === placeText(table)))
    .map((source) => ({ about: placeText(source.table), statements: [mapStatement(source)] }));
}

function mapStatement(source: CapturedSource): string {
  const name = quoteLiteral(placeText(source.table));
  const branches = OPS.map((op) => {
    const images = `${imagesOf(source, op)} `;
    const query = `${images}${changeQuery(source.models, { op, sequence: '$1', at: '$2', looks: 'true' })}`;
    const events = `INSERT INTO edp_capture.%I (${CHANGE_COLUMNS}) ${query.replaceAll('%', '%%')}`;
    const touches = touchQuery(source, op);
    const lines = [
      ...(source.models.length === 0
        ? []
        : [
            `      EXECUTE format(${quoteLiteral(events)}, 'outbox_' || (SELECT last_value FROM edp_capture.current_outbox)) USING one.sequence, one.at;`,
          ]),
      ...(touches === undefined
        ? []
        : notedIn(source).flatMap((noted) => [
            `      EXECUTE ${quoteLiteral(`INSERT INTO edp_capture.${noted.table} (model, key) ${images}SELECT * FROM (${touches}) AS t (model, key)${ofNoted(noted)}`)} USING one.sequence;`,
            ...(noted.table === 'touched' ? [`      ${AT_COMMIT}`] : []),
          ])),
    ];
    return `    IF one.op = ${quoteLiteral(op)} THEN\n${lines.length === 0 ? '      NULL;' : lines.join('\n')}\n    END IF;`;
  });
  const body = `
DECLARE
  one record;
BEGIN
  PERFORM set_config('search_path', ${quoteLiteral(source.models[0]?.searchPath ?? NO_SCHEMAS)}, true),
    ${VALUE_SETTINGS_SQL};
  PERFORM pg_current_xact_id(), nextval('edp_capture.event_sequence');
  LOCK TABLE edp_capture.unmapped IN EXCLUSIVE MODE;
${refuseLostNames(source)}
  FOR one IN SELECT sequence, op, min(at) AS at FROM edp_capture.unmapped WHERE source = ${name} GROUP BY sequence, op ORDER BY sequence LOOP
${branches.join('\n')}
  END LOOP;
  DELETE FROM edp_capture.unmapped WHERE source = ${name};
END`;
  const quote = quoteFor(body);
  return `DO ${quote}${body}${quote};`;
}

/**
 * An image has the names of its time. Where it lacks a column of today and has another that is gone, that one was renamed
 * since, and its values would be NULL.
 */
function refuseLostNames({ table }: CapturedSource): string {
  const columns = `SELECT attname FROM pg_attribute WHERE attrelid = ${quoteLiteral(quoteName(table))}::regclass AND attnum > 0 AND NOT attisdropped`;
  const kept = `SELECT image FROM edp_capture.unmapped WHERE source = ${quoteLiteral(placeText(table))}`;
  return `  FOR one IN SELECT (SELECT string_agg(quote_ident(k), ', ') FROM jsonb_object_keys(u.image) AS k WHERE k NOT IN (${columns})) AS gone,
      (SELECT string_agg(quote_ident(c.attname), ', ') FROM (${columns}) AS c WHERE NOT u.image ? c.attname) AS lacking
    FROM (${kept}) AS u LOOP
    IF one.gone IS NOT NULL AND one.lacking IS NOT NULL THEN
      RAISE EXCEPTION 'rows that were kept have the column %, and lack %: it was renamed since; name it so again, run edp capture install, and then rename it', one.gone, one.lacking;
    END IF;
  END LOOP;`;
}

/** The images as the rows of the statement. */
function imagesOf({ table }: CapturedSource, op: RowOp): string {
  const type = quoteName(table);
  const rows = (name: string, isNew: boolean) =>
    `${name} AS MATERIALIZED (SELECT (r.one).* FROM edp_capture.unmapped AS u,
      LATERAL (SELECT edp_capture.row_literal(${quoteLiteral(type)}::regclass, u.image)::${type} AS one OFFSET 0) AS r
      WHERE u.sequence = $1 AND u.source = ${quoteLiteral(placeText(table))} AND ${isNew ? '' : 'NOT '}u.is_new)`;
  const parts = [
    ...(op === 'insert' ? [] : [rows('old_rows', false)]),
    ...(op === 'delete' ? [] : [rows('new_rows', true)]),
  ];
  return `WITH ${parts.join(', ')}`;
}
