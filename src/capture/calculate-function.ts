/**
 * The function that evaluates the calculations of a model, for the rows that a transaction has touched, at its end.
 *
 * It holds an advisory lock on each key until the transaction has ended: of two open transactions that both touch a key, the second
 * one looks when the first has committed, and so sees what both did. Beyond a number of keys, or for all of them, it is one lock
 * on the model, which those with few keys share.
 */
import { createHash } from 'node:crypto';
import { quoteIdentifier, quoteLiteral, quoteName } from '../model/ddl.js';
import {
  calculatedPairs,
  EVENT_COLUMNS,
  filterOf,
  NEXT_SEQUENCE,
  named,
  object,
  rowKey,
} from './event-sql.js';
import { functionHead, PASSED_ON } from './function-parts.js';
import type { CapturedModel } from './plan.js';

const MOST_KEY_LOCKS = 200;
/** First number of the advisory locks on models. */
const MODEL_LOCKS = 1162104834;

export function calculateName(model: string): string {
  return `calculate ${createHash('md5').update(model).digest('hex').slice(0, 16)}`;
}

export function calculateFunction(model: CapturedModel, isStrict: boolean): string {
  const name = quoteLiteral(model.name);
  const touched = `edp_capture.touched WHERE xid = $1 AND model = ${name}`;
  const some = `${relationOf(model)}
    JOIN (SELECT DISTINCT key AS edp_key FROM ${touched}) AS edp_touched ON ${identityOf(model, 'edp_touched.edp_key')}${filterOf(model)}`;
  const all = `${relationOf(model)}${filterOf(model)}`;
  const work = `      IF is_many THEN
        EXECUTE format(${quoteLiteral(`INSERT INTO edp_capture.%I (${EVENT_COLUMNS}) `)}, 'outbox_' || slot)
          || CASE WHEN is_all THEN ${quoteLiteral(updates(model, all))} ELSE ${quoteLiteral(updates(model, some))} END USING $1;
      ELSIF slot = 0 THEN
        INSERT INTO edp_capture.outbox_0 (${EVENT_COLUMNS})
        ${updates(model, some)};
      ELSE
        INSERT INTO edp_capture.outbox_1 (${EVENT_COLUMNS})
        ${updates(model, some)};
      END IF;`;
  return `${functionHead(calculateName(model.name), 'xid8', 'void', 'all', model.searchPath)}
#variable_conflict use_column
<<edp_calculation>>
DECLARE
  slot smallint := (SELECT last_value FROM edp_capture.current_outbox);
  is_all boolean;
  is_many boolean;
  one record;
  texts text[];
  faults text;
BEGIN
  SELECT coalesce(bool_or(k.key IS NULL), false), coalesce(bool_or(k.key IS NULL), false) OR count(*) > ${MOST_KEY_LOCKS}
    INTO is_all, is_many FROM (SELECT DISTINCT key FROM ${touched} LIMIT ${MOST_KEY_LOCKS + 1}) AS k;
  is_all := is_all OR EXISTS (SELECT FROM ${touched} AND key IS NULL);
  is_many := is_many OR is_all;
  IF is_many THEN
    PERFORM pg_advisory_xact_lock(${MODEL_LOCKS}, hashtext(${name}));
  ELSE
    PERFORM pg_advisory_xact_lock_shared(${MODEL_LOCKS}, hashtext(${name}));
    PERFORM pg_advisory_xact_lock(k.lock) FROM (
      SELECT DISTINCT hashtextextended(key::text, hashtext(${name})) AS lock FROM ${touched} ORDER BY 1) AS k;
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    -- Its snapshot may lack what others have committed since; the next run evaluates once more.
    INSERT INTO edp_capture.due (model, key) SELECT DISTINCT model, key FROM ${touched};
  END IF;
${isStrict ? work : guarded(model, work)}
END$edp$`;
}

/**
 * On a failure, each calculation of each row by itself: those that fail are null, with the message beside. A definition that
 * does not fit the source any more says nothing about the rows: they wait for the next install.
 */
function guarded(model: CapturedModel, work: string): string {
  const keep = `INSERT INTO edp_capture.due (model, key, error)
      SELECT DISTINCT model, key, SQLSTATE || ': ' || SQLERRM FROM edp_capture.touched WHERE xid = $1 AND model = ${quoteLiteral(model.name)};`;
  const attributes = model.calculations.map(({ name, json }, i) => {
    const pair = JSON.stringify(name);
    return `      BEGIN
        texts[${i + 1}] := (SELECT ${json} FROM ${relationOf(model)} WHERE ${identityOf(model, 'one.edp_identity')});
      EXCEPTION
        WHEN ${PASSED_ON} THEN RAISE;
        WHEN ASSERT_FAILURE OR OTHERS THEN
          texts[${i + 1}] := 'null';
          faults := concat_ws(',', faults, ${quoteLiteral(`${pair}:`)} || to_json(SQLERRM)::text);
      END;`;
  });
  const pairs = model.calculations.map(({ name }, i) => named(name, `texts[${i + 1}]`));
  return `  BEGIN
${work}
  EXCEPTION
    WHEN ${PASSED_ON} THEN RAISE;
    WHEN syntax_error_or_access_rule_violation THEN
      ${keep}
    WHEN ASSERT_FAILURE OR OTHERS THEN
    BEGIN
    FOR one IN SELECT jsonb_build_array(${qualified(model)}) AS edp_identity, ${rowKey(model)} AS edp_key FROM ${relationOf(model)}
      ${filterOf(model) === '' ? 'WHERE true' : filterOf(model)}
      AND (edp_calculation.is_all OR jsonb_build_array(${qualified(model)}) IN (SELECT key FROM edp_capture.touched WHERE xid = $1 AND model = ${quoteLiteral(model.name)}))
    LOOP
      texts := ARRAY[]::text[];
      faults := NULL;
${attributes.join('\n')}
      EXECUTE format('INSERT INTO edp_capture.%I (sequence, model, version, op, key, after, errors) VALUES ($1, $2, $3, ''update'', $4, $5, $6)', 'outbox_' || slot)
        USING ${NEXT_SEQUENCE}, ${quoteLiteral(model.name)}, ${model.version}, one.edp_key, ${object(pairs)}, '{' || faults || '}';
    END LOOP;
    EXCEPTION
      WHEN ${PASSED_ON} THEN RAISE;
      WHEN ASSERT_FAILURE OR OTHERS THEN
      ${keep}
    END;
  END;`;
}

function updates(model: CapturedModel, from: string): string {
  return `SELECT ${NEXT_SEQUENCE}, pg_current_xact_id(), ${quoteLiteral(model.name)}, ${model.version}, 'update', e.key, e.after, NULL::text, NULL::text, clock_timestamp()
    FROM (SELECT ${rowKey(model)} AS key, ${object(calculatedPairs(model))} AS after FROM ${from} OFFSET 0) AS e`;
}

function relationOf({ source }: CapturedModel): string {
  return `${quoteName(source)} AS ${quoteIdentifier(source.name)}`;
}

function qualified({ source, identity }: CapturedModel): string {
  return identity
    .map((name) => `${quoteIdentifier(source.name)}.${quoteIdentifier(name)}`)
    .join(', ');
}

/** Condition for the row with an identity. @param key SQL of a jsonb array */
export function identityOf(
  { source, identity }: Pick<CapturedModel, 'source' | 'identity'>,
  key: string,
): string {
  return identity
    .map((name, i) => {
      const { type } = source.columns.find((column) => column.name === name)!;
      return `${quoteIdentifier(source.name)}.${quoteIdentifier(name)} = (${key} ->> ${i})::${type}`;
    })
    .join(' AND ');
}
