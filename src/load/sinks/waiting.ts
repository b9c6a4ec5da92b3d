/**
 * Records of a table that refers to itself, whose parent is not there at their turn: they wait for it, and
 * have another turn behind it. Turns are in passes over the file: the first takes all records, each later one,
 * in the order of the file, those whose parent came in the meantime. So what is loaded is the same as if all
 * that wait were tried again and again, and no record is tried in vain.
 */
import { quoteIdentifier, quoteLiteral } from '../../model/ddl.js';
import { refersTo } from '../../postgres/column-pair.js';
import type { OwnReference, OwnReferences } from '../../postgres/own-keys.js';
import { ORDINAL_SQL, STAGE, type StagingOptions, VERDICTS } from './staged-rows.js';

export const WAITING = 'pg_temp.edp_waiting';
export const TURNS = 'pg_temp.edp_turns';

/** `parent` is a hash of the values that a record refers to. */
export const CREATE_WAITING = `
  CREATE TEMP TABLE IF NOT EXISTS edp_waiting (
    ordinal int PRIMARY KEY, parent bigint, reason text NOT NULL, column_name text) ON COMMIT DROP;
  CREATE INDEX IF NOT EXISTS edp_waiting_parent ON ${WAITING} (parent);
  CREATE TEMP TABLE IF NOT EXISTS edp_turns (
    pass int, ordinal int, PRIMARY KEY (pass, ordinal)) ON COMMIT DROP;
  TRUNCATE ${WAITING}, ${TURNS}`;

/** What is known of the parents of records. */
export interface Parents {
  readonly references: readonly OwnReference[];
  /** Whether a record refers to nothing else in its table. */
  readonly areAll: boolean;
  /** Whether each parent is recognized when it comes. */
  readonly areRecognized: boolean;
}

export function parentsOf(
  { references, areAll }: OwnReferences,
  { target, columns, missingDimensions }: StagingOptions,
): Parents {
  const isStaged = (name: string) => columns.some((column) => column.name === name);
  const usable = references.filter(({ pairs }) => pairs.every(({ column }) => isStaged(column)));
  const areRecognized = usable.every(
    ({ pairs, areHashed }) =>
      areHashed && pairs.every(({ referredColumn }) => isStaged(referredColumn)),
  );
  const isAll = areAll && usable.length === references.length;
  const isPlain = !target.hasTriggers && !target.hasRules && missingDimensions !== 'infer';
  return {
    references: usable,
    areAll: isAll,
    areRecognized: isAll && areRecognized && isPlain,
  };
}

/**
 * The statement that lets a staged record wait, if a reference of it is missing.
 *
 * @param references those that are looked at
 * @param current condition on the staged record `s`
 */
export function waitFor(
  references: readonly OwnReference[],
  all: Parents,
  { columns }: StagingOptions,
  current: string,
): string {
  const selects = references.map((reference) => {
    const { pairs, referredTable } = reference;
    const names = pairs.map(({ column }) => column);
    const values = names.map((name) => `s.${quoteIdentifier(name)}`).join(', ');
    const form = quoteLiteral(`%s is not in ${referredTable.replaceAll('%', '%%')}`);
    const saying = `format(${form}, concat_ws(', ', ${values})), ${quoteLiteral(names.join(', '))}`;
    return `(SELECT s.${ORDINAL_SQL}, ${hashOf(reference, 'own', all.references.indexOf(reference))}, ${saying}
             ${missing(reference, columns, current)})`;
  });
  return `INSERT INTO ${WAITING}
          ${selects.join(' UNION ALL ')} LIMIT 1
          ON CONFLICT (ordinal) DO UPDATE
            SET parent = EXCLUDED.parent, reason = EXCLUDED.reason, column_name = EXCLUDED.column_name`;
}

/** Gives turns to those that wait for a record that is in the table now. @param pass SQL of its pass */
export function wake(
  { references }: Parents,
  { columns }: StagingOptions,
  current: string,
  pass: string,
): string {
  const hashes = references.flatMap((reference, i) => {
    const areStaged = reference.pairs.every(({ referredColumn }) =>
      columns.some(({ name }) => name === referredColumn),
    );
    return areStaged ? hashOf(reference, 'referred', i) : [];
  });
  if (hashes.length === 0) return '';
  return `INSERT INTO ${TURNS}
          SELECT ${pass} + (w.ordinal < s.${ORDINAL_SQL})::int, w.ordinal
          FROM ${STAGE} s JOIN ${WAITING} w ON w.parent = ANY (ARRAY[${hashes.join(', ')}])
          WHERE ${current} ON CONFLICT DO NOTHING;`;
}

/** Gives verdicts to those that wait in vain. */
export const REFUSE_WAITING = `INSERT INTO ${VERDICTS}
  SELECT ordinal, 'missing_dimension', reason, column_name FROM ${WAITING} ON CONFLICT DO NOTHING`;

/** By the server's own hash, since equal values may have several spellings; by their text where there is none. */
function hashOf(
  { pairs, areHashed }: OwnReference,
  side: 'own' | 'referred',
  reference: number,
): string {
  const values = pairs.map(({ column, cast, referredColumn, referredCast, collation }) =>
    side === 'own'
      ? `s.${quoteIdentifier(column)}${cast}${collation}`
      : `s.${quoteIdentifier(referredColumn)}${referredCast}${collation}`,
  );
  const row = `ROW(${values.join(', ')})`;
  return areHashed
    ? `hash_record_extended(${row}, ${reference})`
    : `hashtextextended(${row}::text, ${reference})`;
}

/** The staged record, where it refers to no row and not to itself: `FROM … s WHERE …`. */
function missing(
  { referredRows, pairs }: OwnReference,
  columns: StagingOptions['columns'],
  current: string,
): string {
  const isStaged = pairs.every(({ referredColumn }) =>
    columns.some(({ name }) => name === referredColumn),
  );
  const itself = isStaged ? ` AND (${refersTo(pairs, 's', 's')}) IS NOT TRUE` : '';
  const given = pairs.map(({ column }) => `s.${quoteIdentifier(column)} IS NOT NULL`).join(' AND ');
  return `FROM ${STAGE} s WHERE ${current} AND ${given}
            AND NOT EXISTS (SELECT FROM ${referredRows} d WHERE ${refersTo(pairs, 's', 'd')})${itself}`;
}
