/**
 * Whether code that users made for a table may look at rows: a trigger that counts those that are there, a
 * CHECK or a default with such a function. What such code does for a record depends on the records before
 * it, so each must be inserted by a statement of its own, behind them.
 *
 * Only the text of the code says so. Where the text leaves a doubt, it may look: that costs time only.
 */
import type pg from 'pg';
import { FAMILY } from './family.js';
import { IS_GUARD } from './key-guard.js';

/** A statement that reads rows; texts of one word, as `TG_OP = 'UPDATE'` has them, are taken out before. */
const LOOKS = String.raw`\m(select|perform|delete)\M[^;]*\mfrom\M|\m(update|merge|truncate|call|table|conflict)\M`;

/** Without comments. */
const CODE = String.raw`regexp_replace(regexp_replace(regexp_replace(
  coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), '--[^\n]*', '', 'g'), '/\*.*?\*/', '', 'g'), '''\w*''', '', 'g')`;

/** The languages of the server's own functions and of extensions; theirs are taken not to look. */
const IS_MADE = `p.prolang IN (SELECT oid FROM pg_language WHERE lanname NOT IN ('internal', 'c'))
  AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`;

/** Of functions that others call, only the names stand in the text of these. */
const LOOKS_AT_ROWS = `${FAMILY},
  types AS (
    SELECT atttypid AS oid FROM pg_attribute WHERE attrelid IN (TABLE family) AND attnum > 0
    UNION SELECT t.typbasetype FROM pg_type t JOIN types ON types.oid = t.oid WHERE t.typbasetype <> 0),
  users AS (
    SELECT 'pg_trigger'::regclass AS class, t.oid FROM pg_trigger t
    WHERE NOT ${IS_GUARD} AND tgrelid IN (TABLE family) AND NOT tgisinternal AND tgenabled <> 'D'
    UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint
    WHERE contype = 'c' AND (conrelid IN (TABLE family) OR contypid IN (TABLE types))
    UNION ALL SELECT 'pg_attrdef'::regclass, oid FROM pg_attrdef WHERE adrelid IN (TABLE family)),
  used AS (
    SELECT DISTINCT d.refobjid AS oid FROM users u
    JOIN pg_depend d ON d.classid = u.class AND d.objid = u.oid AND d.refclassid = 'pg_proc'::regclass),
  code AS (
    SELECT p.oid, p.proname, ${CODE} AS text,
           p.prolang IN (SELECT oid FROM pg_language WHERE lanname IN ('sql', 'plpgsql')) AS "isSql"
    FROM pg_proc p WHERE ${IS_MADE} AND EXISTS (TABLE used)),
  called AS (
    SELECT oid FROM used
    UNION SELECT callee.oid FROM called JOIN code caller ON caller.oid = called.oid
    JOIN code callee ON strpos(lower(regexp_replace(caller.text, '["\\s]+', '', 'g')), lower(callee.proname) || '(') > 0)
  SELECT EXISTS (SELECT FROM code WHERE oid IN (TABLE called) AND (NOT "isSql" OR text ~* $2)) AS looks`;

export async function looksAtRows(client: pg.Client, oid: number): Promise<boolean> {
  const { rows } = await client.query<{ looks: boolean }>(LOOKS_AT_ROWS, [oid, LOOKS]);
  return rows[0]!.looks;
}
