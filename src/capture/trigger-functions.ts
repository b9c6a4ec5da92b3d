/**
 * The functions of the triggers of one source table: of each statement on it, its events, and the rows that it touches.
 *
 * A statement of production never fails by what is wrong with a mapping. The query runs in a block that catches errors and
 * writes nothing, since a subtransaction that writes takes a transaction id: beyond 64 in a transaction they slow the whole
 * server down. Only statements of many rows write inside of it, straight into the outbox. What could not be mapped is kept as
 * it was, in `unmapped`.
 */
import { createHash } from 'node:crypto';
import { quoteIdentifier, quoteLiteral, quoteTable } from '../model/ddl.js';
import { formatTableName } from '../model/table-name.js';
import { EVENT_COLUMNS, eventQuery, NEXT_SEQUENCE, type RowOp } from './event-sql.js';
import { functionHead, PASSED_ON, settingsOf } from './function-parts.js';
import { type CapturedModel, type CapturedSource, placeText } from './plan.js';
import { singleRow, singleRowVariables } from './single-row.js';
import { modelsTouched, touchQuery } from './touch-sql.js';

/** Up to as many rows, events go through an array. */
const FEW_ROWS = 64;
const LONGEST_NAME = 63;

export type TriggerOp = RowOp | 'truncate' | 'truncate part';

/** Name of a function; names that are too long end with a hash. */
export function functionName(op: TriggerOp, source: CapturedSource): string {
  const name = `${op} ${placeText(source.table)}`;
  if (Buffer.byteLength(name) <= LONGEST_NAME) return name;
  const hash = createHash('md5').update(name).digest('hex').slice(0, 12);
  return `${Buffer.from(name)
    .subarray(0, LONGEST_NAME - 16)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')} ${hash}`;
}

export function rowFunction(source: CapturedSource, op: RowOp): string {
  const { models, table } = source;
  const touches = touchQuery(source, op);
  const hasModels = models.length > 0;
  const settings = settingsOf(models);
  const counted = op === 'delete' ? 'old_rows' : 'new_rows';
  const lines = [
    functionHead(functionName(op, source), '', 'trigger', settings, models[0]?.searchPath),
    '#variable_conflict use_column',
    'DECLARE',
    '  row_count int;',
    ...(hasModels ? ['  events edp_capture.outbox_0[];'] : []),
    ...(touches === undefined ? [] : ['  keys edp_capture.touched[];']),
    ...(op === 'update' ? singleRowVariables(models) : []),
    '  fault text;',
    'BEGIN',
    ...(table.mayNest ? [nestedMark(source)] : []),
    '  BEGIN',
    ...(hasModels ? [eventsPart(source, op)] : [`    row_count := ${countOf(counted)};`]),
    '    IF row_count = 0 THEN',
    '      RETURN NULL;',
    '    END IF;',
    ...(touches === undefined ? [] : [keysPart(touches)]),
    '  EXCEPTION',
    `    WHEN ${PASSED_ON} THEN RAISE;`,
    "    WHEN OTHERS THEN fault := SQLSTATE || ': ' || SQLERRM;",
    '  END;',
    '  IF fault IS NOT NULL THEN',
    keepRows(source, op),
    '    RETURN NULL;',
    '  END IF;',
    ...(hasModels ? [WRITE_EVENTS] : []),
    ...(touches === undefined ? [] : [WRITE_KEYS]),
    '  RETURN NULL;',
    'END$edp$',
  ];
  return lines.join('\n');
}

const WRITE_EVENTS = `  IF events IS NOT NULL THEN
    IF (SELECT last_value FROM edp_capture.current_outbox) = 0 THEN
      INSERT INTO edp_capture.outbox_0 SELECT * FROM unnest(events);
    ELSE
      INSERT INTO edp_capture.outbox_1 SELECT * FROM unnest(events);
    END IF;
  END IF;`;

const WRITE_KEYS = `  IF keys IS NOT NULL THEN
    INSERT INTO edp_capture.touched SELECT * FROM unnest(keys);
    INSERT INTO edp_capture.at_commit DEFAULT VALUES ON CONFLICT DO NOTHING;
  END IF;`;

function keysPart(touches: string): string {
  return `    SELECT array_agg(ROW(pg_current_xact_id(), t.model, t.key)::edp_capture.touched) INTO keys FROM (
${touches}) AS t (model, key);`;
}

/** SQL of the number of rows, counted no further than is asked. */
function countOf(relation: string): string {
  return `(SELECT count(*) FROM (SELECT FROM ${relation} LIMIT ${FEW_ROWS + 1}) AS few)`;
}

/**
 * A trigger of the user on the table may run a statement on it before the triggers of the first one have fired. Its events come
 * first then, and have lower numbers, though its values are the later ones. From there on, the events of the transaction have
 * the rows as they are now.
 */
function nestedMark(source: CapturedSource): string {
  return `  IF pg_trigger_depth() > 1 THEN
    PERFORM set_config(${quoteLiteral(nestedSetting(source))}, greatest(pg_trigger_depth(), ${nestedDepth(source)})::text, true);
  END IF;`;
}

function nestedSetting({ table }: CapturedSource): string {
  return `edp_capture.nested_${createHash('md5').update(placeText(table)).digest('hex').slice(0, 12)}`;
}

/** SQL of the depth at which the transaction had a statement on the table within another one; 0 for none. */
function nestedDepth(source: CapturedSource): string {
  return `coalesce(nullif(current_setting(${quoteLiteral(nestedSetting(source))}, true), ''), '0')::int`;
}

function eventsPart(source: CapturedSource, op: RowOp): string {
  const { models, table } = source;
  const query = eventQuery(models, { op, isAfter: true });
  const counted = op === 'delete' ? 'old_rows' : 'new_rows';
  const general = branch('', query, counted);
  if (op !== 'update' && !table.mayNest) return general;
  const isNested = `${nestedDepth(source)} > pg_trigger_depth()`;
  const nested = table.mayNest
    ? [`    IF ${isNested} THEN`, branch(currentRows(models[0]!, op), query, counted), '    ELSE']
    : [];
  const single =
    op === 'update'
      ? [singleRow(models), '    IF row_count > 1 THEN', general, '    END IF;']
      : [general];
  return [...nested, ...single, ...(table.mayNest ? ['    END IF;'] : [])].join('\n');
}

/** Few rows into an array, many into the outbox. */
function branch(head: string, query: string, counted: string): string {
  const text = `INSERT INTO edp_capture.%I (${EVENT_COLUMNS}) ${head}`;
  return `      ${head}SELECT array_agg(ROW(e.*)::edp_capture.outbox_0), ${countOf(counted)} INTO events, row_count FROM (
${query}) AS e (${EVENT_COLUMNS})
      WHERE ${countOf(counted)} <= ${FEW_ROWS};
      IF row_count > ${FEW_ROWS} THEN
        EXECUTE format(${quoteLiteral(text)}, 'outbox_' || (SELECT last_value FROM edp_capture.current_outbox))
          || ${quoteLiteral(query)};
      END IF;`;
}

/** Hides the rows of the statement behind those that are there now. */
function currentRows({ identity, source }: CapturedModel, op: RowOp): string {
  const relation = quoteTable(formatTableName(source));
  const same = (rows: string) =>
    identity
      .map((name) => `k.${quoteIdentifier(name)} = t.${quoteIdentifier(name)}`)
      .join(' AND ')
      .replace(/^/, `SELECT FROM ${rows} AS k WHERE `);
  if (op === 'delete') {
    const keys = identity.map((name) => `k.${quoteIdentifier(name)} = t.${quoteIdentifier(name)}`);
    return `WITH old_rows AS (SELECT t.* FROM old_rows AS t WHERE NOT EXISTS (SELECT FROM ${relation} AS k WHERE ${keys.join(' AND ')})) `;
  }
  const either = op === 'insert' ? [same('new_rows')] : [same('new_rows'), same('old_rows')];
  return `WITH new_rows AS (SELECT t.* FROM ${relation} AS t WHERE ${either.map((query) => `EXISTS (${query})`).join(' OR ')}) `;
}

function keepRows({ table }: CapturedSource, op: RowOp): string {
  const keep = (relation: string, isNew: boolean) =>
    `SELECT s, ${quoteLiteral(placeText(table))}, ${quoteLiteral(op)}, ${isNew}, to_jsonb(r), fault FROM ${relation} AS r`;
  const images = [
    ...(op === 'insert' ? [] : [keep('old_rows', false)]),
    ...(op === 'delete' ? [] : [keep('new_rows', true)]),
  ];
  return `    DECLARE
      s bigint := ${NEXT_SEQUENCE};
    BEGIN
      INSERT INTO edp_capture.unmapped (sequence, source, op, is_new, image, error)
      ${images.join('\n      UNION ALL ')};
    END;`;
}

/** TRUNCATE of the whole table: it ends all keys of its models. */
export function truncateFunction(source: CapturedSource): string {
  const { models } = source;
  const rows = models.map(
    ({ name, version }) => `(${NEXT_SEQUENCE}, ${quoteLiteral(name)}, ${version}, 'truncate')`,
  );
  const insert = (slot: number) =>
    `      INSERT INTO edp_capture.outbox_${slot} (sequence, model, version, op) VALUES ${rows.join(', ')};`;
  return `${functionHead(functionName('truncate', source), '', 'trigger', 'none')}
BEGIN
  -- TRUNCATE fires the triggers of partitions, too.
  IF TG_WHEN = 'BEFORE' THEN
    PERFORM set_config(${quoteLiteral(truncateSetting(source))}, TG_RELID::text, true);
    RETURN NULL;
  END IF;
  PERFORM set_config(${quoteLiteral(truncateSetting(source))}, '', true);
${
  rows.length === 0
    ? ''
    : `  IF (SELECT last_value FROM edp_capture.current_outbox) = 0 THEN
${insert(0)}
  ELSE
${insert(1)}
  END IF;
`
}${touchAll(source)}  RETURN NULL;
END$edp$`;
}

/** TRUNCATE of a partition: its rows are deleted. */
export function truncatePartFunction(source: CapturedSource): string {
  const { models, table } = source;
  const setting = quoteLiteral(truncateSetting(source));
  const settings = settingsOf(models);
  const query = `WITH old_rows AS (SELECT * FROM %s) INSERT INTO edp_capture.%I (${EVENT_COLUMNS}) `;
  const deletes = models.length === 0 ? '' : eventQuery(models, { op: 'delete' });
  return `${functionHead(functionName('truncate part', source), '', 'trigger', settings, models[0]?.searchPath)}
DECLARE
  fault text;
BEGIN
  IF TG_WHEN = 'AFTER' THEN
    IF current_setting(${setting}, true) = TG_RELID::text THEN
      PERFORM set_config(${setting}, '', true);
    END IF;
    RETURN NULL;
  END IF;
  IF current_setting(${setting}, true) <> '' THEN
    RETURN NULL;
  END IF;
  PERFORM set_config(${setting}, TG_RELID::text, true);
${
  models.length === 0
    ? ''
    : `  BEGIN
    EXECUTE format(${quoteLiteral(query)}, TG_RELID::regclass, 'outbox_' || (SELECT last_value FROM edp_capture.current_outbox))
      || ${quoteLiteral(deletes)};
  EXCEPTION
    WHEN ${PASSED_ON} THEN RAISE;
    WHEN OTHERS THEN
      fault := SQLSTATE || ': ' || SQLERRM;
  END;
  IF fault IS NOT NULL THEN
    EXECUTE format('WITH s AS MATERIALIZED (SELECT ${NEXT_SEQUENCE.replaceAll("'", "''")} AS s) INSERT INTO edp_capture.unmapped (sequence, source, op, is_new, image, error)
      SELECT s.s, $1, ''delete'', false, to_jsonb(r), $2 FROM s, %s AS r', TG_RELID::regclass) USING ${quoteLiteral(placeText(table))}, fault;
  END IF;
`
}${touchAll(source)}  RETURN NULL;
END$edp$`;
}

function truncateSetting({ table }: CapturedSource): string {
  return `edp_capture.truncate_${createHash('md5').update(placeText(table)).digest('hex').slice(0, 12)}`;
}

function touchAll(source: CapturedSource): string {
  const names = modelsTouched(source);
  if (names.length === 0) return '';
  return `  INSERT INTO edp_capture.touched (model) VALUES ${names.map((name) => `(${quoteLiteral(name)})`).join(', ')};
  INSERT INTO edp_capture.at_commit DEFAULT VALUES ON CONFLICT DO NOTHING;
`;
}
