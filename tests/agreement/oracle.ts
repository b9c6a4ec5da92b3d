/**
 * The oracle: the server itself, given one record after the other, in the order of the file, each with an
 * INSERT and a savepoint of its own.
 */
import type { RejectCode } from '../../src/model/reject-codes.js';
import type { Situation } from './setup.js';

/** What the server made of a record. */
export interface Judgement {
  readonly outcome: 'loaded' | 'left_out' | 'refused' | 'duplicate';
  /** SQLSTATE of a refusal. */
  readonly state: string | null;
  /** Whether a row had its key already, and whether that row had the same values. */
  readonly isTaken: boolean;
  readonly isSame: boolean;
  /** Whether it refers to a row that is not there. */
  readonly isMissing: boolean;
  /** SQLSTATE of the refusal before, where it was tried again. */
  readonly earlier?: string | null;
}

/** What may become of a record: more than one where it has several faults. */
export type Fate = 'loaded' | 'duplicate' | RejectCode;

const CODES: Readonly<Record<string, RejectCode>> = {
  '23502': 'null_value',
  '23503': 'missing_dimension',
  '23505': 'conflict',
  '22003': 'out_of_range',
};

const MAY_BE_DEFERRED = ['23503', '23505', '23P01'];

interface Faults {
  readonly hasNull: boolean;
  readonly mayDefer: boolean;
  readonly checksLate: boolean;
}

/**
 * @param hasNull whether a column that needs a value has none
 * @param mayDefer whether the order of its checks is not that of the oracle, which defers none
 * @param checksLate whether a record may break several rules that are checked behind it
 */
export function fatesOf(
  judgement: Judgement,
  { onConflict }: Situation,
  { hasNull, mayDefer, checksLate }: Faults,
): Set<Fate> {
  const { outcome, state, isTaken, isSame, isMissing, earlier } = judgement;
  if (outcome === 'loaded') return new Set(['loaded']);
  const fates = new Set<Fate>();
  const isReplaced = onConflict === 'update';
  const ofKey = isSame || onConflict === 'skip' ? 'duplicate' : 'conflict';
  if (outcome === 'refused') {
    const isOfKey = state === '23505' && isTaken && !isReplaced;
    fates.add(isOfKey ? ofKey : (CODES[state!] ?? 'refused_by_server'));
  } else fates.add(outcome);
  if (isTaken && !isReplaced) fates.add(ofKey);
  if (isMissing) {
    fates.add('missing_dimension');
    if (mayDefer) fates.add('conflict').add('refused_by_server');
  }
  if (hasNull) fates.add('null_value');
  // What is no constraint refuses a record for good, whether or not its parent comes.
  if (earlier && !earlier.startsWith('23')) fates.add(CODES[earlier] ?? 'refused_by_server');
  if (mayDefer && checksLate && MAY_BE_DEFERRED.includes(state!)) {
    fates.add('conflict').add('refused_by_server');
  }
  return fates;
}

/** Creates `agreement.judge(case)`, which makes the rows of its file in the tables of the search path. */
export const ORACLE = `
CREATE SCHEMA oracle;
CREATE SCHEMA agreement;
CREATE FUNCTION agreement.judge(given jsonb) RETURNS jsonb LANGUAGE plpgsql AS $judge$
DECLARE
  "table" text := given ->> 'table';
  columns text := given ->> 'columns';
  on_key text := given ->> 'onKey';
  is_update boolean := given ->> 'onConflict' = 'update' AND on_key IS NOT NULL;
  may_infer boolean := given ->> 'missingDimensions' = 'infer';
  record jsonb;
  reference jsonb;
  judgements jsonb := '[]';
  outcome text;
  state text;
  is_taken boolean;
  is_same boolean;
  is_missing boolean;
  place int;
  any_loaded boolean;
  any_missing boolean;
  may_infer_more boolean;
  before bigint;
  after bigint;
  written bigint;
BEGIN
  SET CONSTRAINTS ALL IMMEDIATE;
  EXECUTE format('CREATE TEMP TABLE stage AS SELECT %s FROM %s WITH NO DATA', columns, "table");
  LOOP
  any_loaded := false;
  FOR place IN 0 .. jsonb_array_length(given -> 'records') - 1 LOOP
    CONTINUE WHEN judgements -> place ->> 'outcome' <> 'refused' OR judgements -> place ->> 'isMissing' = 'false';
    record := given -> 'records' -> place;
    outcome := NULL; state := NULL; is_taken := false; is_same := false; any_missing := false;
    may_infer_more := may_infer;
    EXECUTE 'DELETE FROM pg_temp.stage';
    BEGIN
      EXECUTE format('INSERT INTO pg_temp.stage VALUES (%s)',
        (SELECT string_agg(quote_nullable(v), ', ' ORDER BY n) FROM jsonb_array_elements_text(record) WITH ORDINALITY AS e (v, n)));
    EXCEPTION WHEN OTHERS THEN outcome := 'refused'; state := SQLSTATE;
    END;
    IF outcome IS NULL THEN
      FOR reference IN SELECT * FROM jsonb_array_elements(given -> 'references') LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM pg_temp.stage s WHERE %s)', reference ->> 'condition')
          INTO is_missing;
        IF is_missing AND may_infer_more AND reference ->> 'mayInfer' = 'true' THEN
          BEGIN
            EXECUTE format('INSERT INTO %1$s (%2$I) SELECT %3$I FROM pg_temp.stage',
              reference ->> 'table', reference -> 'referredColumns' ->> 0, reference ->> 'column');
            is_missing := false;
          EXCEPTION WHEN OTHERS THEN NULL;
          END;
        END IF;
        any_missing := any_missing OR is_missing;
        may_infer_more := may_infer_more AND NOT (is_missing
          AND reference ->> 'mayInfer' = 'true' AND given ->> 'stopsAtMissing' = 'true');
      END LOOP;
      IF on_key IS NOT NULL THEN
        EXECUTE format('SELECT count(*) > 0, coalesce(bool_or(%s), false) FROM %s t, pg_temp.stage s WHERE %s',
          given ->> 'isSame', "table", on_key) INTO is_taken, is_same;
      END IF;
      IF is_update AND is_taken AND is_same THEN outcome := 'duplicate';
      ELSE
        BEGIN
          EXECUTE format('SELECT count(*) FROM %s', "table") INTO before;
          EXECUTE format('INSERT INTO %1$s (%2$s) SELECT %2$s FROM pg_temp.stage %3$s', "table", columns,
            given ->> 'onConflictClause');
          GET DIAGNOSTICS written = ROW_COUNT;
          EXECUTE format('SELECT count(*) FROM %s', "table") INTO after;
          outcome := CASE WHEN written > 0 OR after > before THEN 'loaded' ELSE 'left_out' END;
        EXCEPTION WHEN OTHERS THEN outcome := 'refused'; state := SQLSTATE;
        END;
      END IF;
    END IF;
    any_loaded := any_loaded OR outcome = 'loaded';
    judgements := jsonb_set(judgements, ARRAY[place::text], jsonb_build_object('outcome', outcome, 'state', state, 'isTaken', is_taken,
      'isSame', is_same, 'isMissing', any_missing, 'earlier', judgements -> place ->> 'state'));
  END LOOP;
  -- What a record refers to may come behind it in the same file.
  EXIT WHEN NOT any_loaded OR given ->> 'refersToSelf' = 'false';
  END LOOP;
  DROP TABLE pg_temp.stage;
  RETURN judgements;
END $judge$;`;
