/**
 * The functions of the triggers of one source table: of each statement on it, its events, and the rows that it touches.
 *
 * A statement of production never fails by what is wrong with a mapping. The query runs in a block that catches errors and
 * writes nothing, since a subtransaction that writes takes a transaction id: beyond 64 in a transaction they slow the whole
 * server down. Only statements of many rows write inside of it, straight into the outbox. What could not be mapped is kept as
 * it was, in `unmapped`.
 */
import { createHash } from 'node:crypto';
import { quoteIdentifier, quoteLiteral, quoteName } from '../model/ddl.js';
import {
  CHANGE_COLUMNS,
  type ChangeQuery,
  changeQuery,
  isRepeated,
  NEXT_SEQUENCE,
  type RowOp,
} from './event-sql.js';
import { functionHead, PASSED_ON, settingsOf } from './function-parts.js';
import { type CapturedSource, placeText } from './plan.js';
import { singleRow, singleRowVariables, writeSingle } from './single-row.js';
import { AT_COMMIT, notedIn, ofNoted, touchQuery } from './touch-sql.js';

/** Up to as many rows, events go through an array. */
const FEW_ROWS = 64;
/** Memory for the join of OLD and NEW; a sort of both would take several times as long. */
const JOIN_KB = 64 * 1024;
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
    ...(hasModels ? singleRowVariables(models) : []),
    '  fault text;',
    'BEGIN',
    ...ifPart(source),
    ...(table.mayNest ? [nestedMark(source)] : []),
    ...(hasModels && op === 'insert' ? [`  ${madeMark(source)}`] : []),
    '  BEGIN',
    ...(hasModels ? [eventsPart(source, op)] : [`    row_count := ${countOf(counted)};`]),
    '    IF row_count = 0 THEN',
    '      RETURN NULL;',
    '    END IF;',
    ...(touches === undefined ? [] : [keysPart(touches)]),
    '  EXCEPTION',
    `    WHEN ${PASSED_ON} THEN RAISE;`,
    "    WHEN ASSERT_FAILURE OR OTHERS THEN fault := SQLSTATE || ': ' || SQLERRM;",
    '  END;',
    '  IF fault IS NOT NULL THEN',
    ...(hasModels && op === 'update' ? [`    ${madeMark(source)}`] : []),
    keepRows(source, op),
    '    RETURN NULL;',
    '  END IF;',
    ...(hasModels ? [writeSingle(models, op), WRITE_EVENTS] : []),
    ...(touches === undefined ? [] : [writeKeys(source)]),
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

function writeKeys(source: CapturedSource): string {
  const writes = notedIn(source).flatMap((noted) => [
    `    INSERT INTO edp_capture.${noted.table} SELECT * FROM unnest(keys)${ofNoted(noted)};`,
    ...(noted.table === 'touched' ? [`    ${AT_COMMIT}`] : []),
  ]);
  return `  IF keys IS NOT NULL THEN
${writes.join('\n')}
  END IF;`;
}

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

function nestedSetting(source: CapturedSource): string {
  return settingName('nested', source);
}

/** SQL of the depth at which the transaction had a statement on the table within another one; 0 for none. */
function nestedDepth(source: CapturedSource): string {
  return `coalesce(nullif(current_setting(${quoteLiteral(nestedSetting(source))}, true), ''), '0')::int`;
}

/**
 * Triggers of one statement fire in an order that is not that of its rows: a row may be created, and published, before the trigger
 * fires that publishes the row with its key as deleted. From the first create of a transaction, its deletes look whether there is
 * such a row.
 */
function madeMark(source: CapturedSource): string {
  return `PERFORM set_config(${quoteLiteral(settingName('made', source))}, '1', true);`;
}

/** SQL: whether the transaction may have published a create of a row of the table. */
function hasMade(source: CapturedSource): string {
  return `coalesce(current_setting(${quoteLiteral(settingName('made', source))}, true), '') <> ''`;
}

/** A partition that is detached keeps its triggers: it is none any more, and what it has is no row of the table. */
function ifPart(source: CapturedSource): string[] {
  const { table } = source;
  if (table.kind !== 'p') return [];
  return [
    `  IF TG_NARGS > 0 AND pg_partition_root(TG_RELID) IS DISTINCT FROM to_regclass(${quoteLiteral(quoteName(table))}) AND NOT EXISTS (
    SELECT FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
    WHERE t.tgrelid = pg_partition_root(TG_RELID) AND t.tgnargs = 0 AND p.pronamespace = 'edp_capture'::regnamespace
      AND p.proname = ${quoteLiteral(functionName('insert', source))}) THEN
    RETURN NULL;
  END IF;`,
  ];
}

function eventsPart(source: CapturedSource, op: RowOp): string {
  const { models, table } = source;
  const looks = `(SELECT ${hasMade(source)})`;
  const query: ChangeQuery = op === 'insert' ? { op } : { op, looks };
  const plain = branch('', changeQuery(models, query), op);
  const isNested = `${nestedDepth(source)} > pg_trigger_depth()`;
  const nested =
    table.mayNest && op !== 'delete'
      ? [
          `    IF ${isNested} THEN`,
          exactly(
            source,
            branch(currentRows(source, op), changeQuery(models, { ...query, ...HIDDEN }), op),
          ),
          '    ELSE',
        ]
      : [];
  const repeated =
    table.mayRepeat && op === 'update'
      ? [
          `      IF ${models.flatMap((model) => ['old_rows', 'new_rows'].map((rows) => isRepeated(model, rows))).join(' OR ')} THEN`,
          exactly(
            source,
            branch(`WITH ${netRows()} `, changeQuery(models, { ...query, ...HIDDEN }), op),
          ),
          '      ELSE',
          plain,
          '      END IF;',
        ]
      : [plain];
  const general = [...repeated, ...(op === 'update' ? [`      ${madeMark(source)}`] : [])];
  const isSingle = op === 'delete' ? `NOT (${hasMade(source)})` : 'true';
  const single = [
    singleRow(models, op, isSingle),
    '    IF row_count > 1 THEN',
    ...general,
    '    END IF;',
  ];
  return [...nested, ...single, ...(nested.length > 0 ? ['    END IF;'] : [])].join('\n');
}

/** Where rows are that are not those of the statement. */
const HIDDEN = { oldRows: 'edp_old', newRows: 'edp_new' };

/** A row that a statement has changed twice is there in three versions: the one that it made and changed again is left out. */
function netRows(): string {
  const side = (rows: string, sign: '<' | '>') =>
    `(SELECT DISTINCT ON (ROW(v.*)::text) v.* FROM ${rows} AS v
      WHERE ROW(v.*)::text IN (SELECT b.version FROM edp_balance AS b WHERE b.count ${sign} 0))`;
  return `edp_balance AS MATERIALIZED (SELECT b.version, sum(b.one) AS count FROM (
      SELECT ROW(v.*)::text AS version, 1 AS one FROM new_rows AS v UNION ALL SELECT ROW(v.*)::text, -1 FROM old_rows AS v) AS b
      GROUP BY b.version),
    edp_old AS ${side('old_rows', '<')}, edp_new AS ${side('new_rows', '>')}`;
}

/** Texts of rows that differ in a float differ. */
function exactly({ table }: CapturedSource, statement: string): string {
  if (!table.mayRepeat) return statement;
  return `      DECLARE
        digits text := current_setting('extra_float_digits');
      BEGIN
      PERFORM set_config('extra_float_digits', '1', true);
${statement}
      PERFORM set_config('extra_float_digits', digits, true);
      END;`;
}

/** The columns of the outbox, in its order. */
const OUTBOX_ROW =
  'e.sequence, e.xid, e.model, e.version, e.op, NULL, NULL, NULL, NULL, e.at, e.shape, e.changes';

/** Few rows into an array, many into the outbox. */
function branch(head: string, query: string, op: RowOp): string {
  // A row that an UPDATE moves into a partition may get lost there, by a trigger: it has an old side only.
  const counted = op === 'insert' ? 'new_rows' : 'old_rows';
  const text = `INSERT INTO edp_capture.%I (${CHANGE_COLUMNS}) ${head.replaceAll('%', '%%')}`;
  const insert = `        EXECUTE format(${quoteLiteral(text)}, 'outbox_' || (SELECT last_value FROM edp_capture.current_outbox))
          || ${quoteLiteral(query)};`;
  return `      ${head}SELECT array_agg(ROW(${OUTBOX_ROW})::edp_capture.outbox_0), ${countOf(counted)} INTO events, row_count FROM (
${query}) AS e (${CHANGE_COLUMNS})
      WHERE ${countOf(counted)} <= ${FEW_ROWS};
      IF row_count > ${FEW_ROWS} THEN
${op === 'update' ? withMemory(insert) : insert}
      END IF;`;
}

function withMemory(statement: string): string {
  return `        DECLARE
          memory text := current_setting('work_mem');
          merges text := current_setting('enable_mergejoin');
        BEGIN
        PERFORM set_config('enable_mergejoin', 'off', true),
          set_config('work_mem', greatest(pg_size_bytes(memory) / 1024, ${JOIN_KB})::text, true);
${statement}
        PERFORM set_config('enable_mergejoin', merges, true), set_config('work_mem', memory, true);
        END;`;
}

/** The rows that are there now, of those that the statement has changed. */
function currentRows({ models, table }: CapturedSource, op: 'insert' | 'update'): string {
  const relation = quoteName(models[0]!.source);
  const same = models[0]!.identity
    .map((name) => `k.${quoteIdentifier(name)} = t.${quoteIdentifier(name)}`)
    .join(' AND ');
  const rows = (op === 'insert' ? ['new_rows'] : ['new_rows', 'old_rows']).map(
    (name) => `EXISTS (SELECT FROM ${name} AS k WHERE ${same})`,
  );
  const now = `edp_current AS (SELECT t.* FROM ${relation} AS t WHERE ${rows.join(' OR ')})`;
  if (op === 'insert') return `WITH ${now.replace('edp_current', 'edp_new')} `;
  const before = table.mayRepeat ? netRows() : 'edp_old AS (SELECT * FROM old_rows)';
  return `WITH ${now}, ${before.replace('edp_new', 'edp_made')}, edp_new AS (SELECT * FROM edp_current) `;
}

function keepRows({ table }: CapturedSource, op: RowOp): string {
  const keep = (relation: string, isNew: boolean) =>
    `SELECT edp_kept.number, ${quoteLiteral(placeText(table))}, ${quoteLiteral(op)}, ${isNew}, edp_capture.row_texts(edp_kept.relation, ROW(r.*)), edp_kept.error FROM ${relation} AS r`;
  const images = [
    ...(op === 'insert' ? [] : [keep('old_rows', false)]),
    ...(op === 'delete' ? [] : [keep('new_rows', true)]),
  ];
  return `    <<edp_kept>>
    DECLARE
      number bigint := ${NEXT_SEQUENCE};
      relation oid := TG_RELID;
      error text := fault;
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
  const query = `WITH old_rows AS (SELECT * FROM %s) INSERT INTO edp_capture.%I (${CHANGE_COLUMNS}) `;
  const deletes = models.length === 0 ? '' : changeQuery(models, { op: 'delete' });
  return `${functionHead(functionName('truncate part', source), '', 'trigger', settings, models[0]?.searchPath)}
DECLARE
  fault text;
BEGIN
${ifPart(source).join('\n')}
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
    WHEN ASSERT_FAILURE OR OTHERS THEN
      fault := SQLSTATE || ': ' || SQLERRM;
  END;
  IF fault IS NOT NULL THEN
    EXECUTE format('WITH s AS MATERIALIZED (SELECT ${NEXT_SEQUENCE.replaceAll("'", "''")} AS s) INSERT INTO edp_capture.unmapped (sequence, source, op, is_new, image, error)
      SELECT s.s, $1, ''delete'', false, edp_capture.row_texts($3, ROW(r.*)), $2 FROM s, %s AS r', TG_RELID::regclass) USING ${quoteLiteral(placeText(table))}, fault, TG_RELID;
  END IF;
`
}${touchAll(source)}  RETURN NULL;
END$edp$`;
}

function truncateSetting(source: CapturedSource): string {
  return settingName('truncate', source);
}

/** Of a setting that says something about a table in a transaction. */
function settingName(what: string, { table }: CapturedSource): string {
  return `edp_capture.${what}_${createHash('md5').update(placeText(table)).digest('hex').slice(0, 12)}`;
}

function touchAll(source: CapturedSource): string {
  return notedIn(source, true)
    .map(({ table, models }) => {
      const rows = models.map((name) => `(${quoteLiteral(name)})`).join(', ');
      return `  INSERT INTO edp_capture.${table} (model) VALUES ${rows};
${table === 'touched' ? `  ${AT_COMMIT}\n` : ''}`;
    })
    .join('');
}
