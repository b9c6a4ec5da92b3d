/**
 * What may be in a query whose result is kept. Everything else is refused, so what a later server adds is refused until it is
 * listed here.
 */

import { findPlaceholders } from '../placeholders.js';

/** Nodes of a query that the server has analysed; older servers call some of them otherwise. */
const SAFE_NODES: ReadonlySet<string> = new Set(
  `QUERY RANGETBLENTRY RTE RTEPERMISSIONINFO ALIAS FROMEXPR RANGETBLREF JOINEXPR RANGETBLFUNCTION TARGETENTRY COMMONTABLEEXPR
   SETOPERATIONSTMT SORTGROUPCLAUSE GROUPINGSET WINDOWCLAUSE SUBLINK
   VAR CONST PARAM AGGREF GROUPINGFUNC WINDOWFUNC SUBSCRIPTINGREF FUNCEXPR NAMEDARGEXPR OPEXPR DISTINCTEXPR NULLIFEXPR
   SCALARARRAYOPEXPR BOOLEXPR FIELDSELECT RELABELTYPE COERCEVIAIO ARRAYCOERCEEXPR CONVERTROWTYPEEXPR COLLATEEXPR CASE CASEEXPR
   WHEN CASEWHEN CASETESTEXPR ARRAY ARRAYEXPR ROW ROWEXPR ROWCOMPARE ROWCOMPAREEXPR COALESCE COALESCEEXPR MINMAX MINMAXEXPR
   NULLTEST BOOLEANTEST`.split(/\s+/),
);

/**
 * Types that a text may be converted to at run time: bool, bytea, name, int8, int2, int4, text, json, float4, float8, bpchar,
 * varchar, interval, numeric, uuid, jsonb. A date may be the text 'today'.
 */
const SAFE_CONVERSIONS: ReadonlySet<number> = new Set([
  16, 17, 19, 20, 21, 23, 25, 114, 700, 701, 1042, 1043, 1186, 1700, 2950, 3802,
]);

/** Types of values that no text of the clock can have become: the ones above, lists of them, unknown and oid. */
const SAFE_VALUES: ReadonlySet<number> = new Set([
  ...SAFE_CONVERSIONS,
  ...[
    26, 199, 705, 1000, 1001, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1187, 1231, 2951,
    3807,
  ],
]);

/** Types of times that pass over a zone in a text: date, time, timestamp, lists and ranges of them. */
const WITHOUT_ZONE: ReadonlySet<number> = new Set([
  ...[1082, 1083, 1114, 1115, 1182, 1183, 3908, 3909, 3912, 3913, 4533, 4535],
]);

/** Three letters behind a digit: more than the T, Z, AM and BC of a time. */
const ZONE_IN_TIME = /\d.*[a-z]{3}/i;

/** The words of the clock in a text that is converted to a date or a time. */
const CLOCK_WORDS = /now|today|tomorrow|yesterday/i;

/**
 * Functions of the server that are stable, and depend on nothing but their arguments, settings and versions that are in
 * the key, and the catalog. Not among them: what reads the clock, statistics or files, and what converts fields of JSON to any type.
 */
export const SAFE_STABLE_FUNCTIONS: readonly string[] =
  `anytextcat textanycat array_to_json array_to_string cash_out concat concat_ws convert convert_from convert_to current_database
   current_schema current_user session_user date date_cmp_timestamptz date_eq_timestamptz date_ge_timestamptz date_gt_timestamptz
   date_le_timestamptz date_lt_timestamptz date_ne_timestamptz date_out date_part enum_first enum_last enum_range extract format
   generate_series in_range interval_out interval_pl_timestamptz json_agg json_agg_strict json_build_array json_build_object
   json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict jsonb_agg jsonb_agg_strict
   jsonb_build_array jsonb_build_object jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique
   jsonb_object_agg_unique_strict length overlaps pg_typeof quote_literal quote_nullable row_to_json time timestamp
   timestamp_cmp_timestamptz timestamp_eq_timestamptz timestamp_ge_timestamptz timestamp_gt_timestamptz timestamp_le_timestamptz
   timestamp_lt_timestamptz timestamp_ne_timestamptz timestamp_out timestamptz timestamptz_cmp_date timestamptz_cmp_timestamp
   timestamptz_eq_date timestamptz_eq_timestamp timestamptz_ge_date timestamptz_ge_timestamp timestamptz_gt_date
   timestamptz_gt_timestamp timestamptz_le_date timestamptz_le_timestamp timestamptz_lt_date timestamptz_lt_timestamp
   timestamptz_mi_interval timestamptz_ne_date timestamptz_ne_timestamp timestamptz_out timestamptz_pl_interval timetz
   to_char to_date to_json to_jsonb to_number version`.split(/\s+/);

/** Called immutable by the server, but they read files that may change: rules of time zones, dictionaries. */
export const UNSAFE_FUNCTIONS: readonly string[] = [
  'timezone',
  ...['to_tsvector', 'to_tsquery', 'plainto_tsquery', 'phraseto_tsquery', 'websearch_to_tsquery'],
  ...['ts_headline', 'ts_lexize', 'json_to_tsvector', 'jsonb_to_tsvector'],
];

/** Functions, operators and relations of a query. */
export interface Named {
  readonly functions: readonly number[];
  readonly operators: readonly number[];
  readonly relations: readonly number[];
}

/** @param tree of a query, as the server stores those of views */
export function namedIn(tree: string): Named {
  return {
    functions: numbersOf(
      tree,
      /:(?:funcid|aggfnoid|winfnoid|opfuncid|startInRangeFunc|endInRangeFunc) (\d+)/g,
    ),
    operators: [
      ...numbersOf(tree, /:(?:opno|sortop|eqop) (\d+)/g),
      ...[...tree.matchAll(/:opnos \(o ([\d ]+)\)/g)].flatMap(([, list]) =>
        list!.split(' ').map(Number),
      ),
    ],
    relations: numbersOf(tree, /:relid (\d+)/g),
  };
}

function numbersOf(tree: string, pattern: RegExp): number[] {
  return [...tree.matchAll(pattern)].map(([, number]) => Number(number)).filter((oid) => oid !== 0);
}

/**
 * Why the result of a query may change while the data does not, as far as its tree alone shows it.
 *
 * @param sql that the tree was made from; none for a view, whose texts became values when it was created
 */
export function whyTreeIsUnsafe(tree: string, sql = ''): string | undefined {
  // In names of the user, braces are escaped.
  for (const [, node] of tree.matchAll(/(?<!\\)\{([A-Z_]+)/g)) {
    if (!SAFE_NODES.has(node!)) return `it has an expression of the kind ${node}`;
  }
  // Only conversions by way of a text have these two fields side by side.
  for (const [, type] of tree.matchAll(/:resulttype (\d+) :resultcollid/g)) {
    if (!SAFE_CONVERSIONS.has(Number(type)))
      return 'it converts texts to a type in which a text may mean the present time, such as a date';
  }
  if (/\{VAR :varno \S+ :varattno -/.test(tree)) return 'it reads system columns';
  return whyTextsAreUnsafe(numbersOf(tree, /:consttype (\d+)/g), sql);
}

/** @param types of the values that texts may have become */
function whyTextsAreUnsafe(types: readonly number[], sql: string): string | undefined {
  const others = types.filter((type) => !SAFE_VALUES.has(type));
  if (others.length === 0) return undefined;
  // Two texts one below the other are one; quotes inside of a list are none of its values.
  const joined = findPlaceholders(sql)
    .texts.join('')
    .replace(/['"\s]/g, '');
  const isEscaped = joined.includes('\\') || /\buescape\b/i.test(sql);
  if (isEscaped || CLOCK_WORDS.test(joined))
    return "it may have a text such as 'now', which has become a time";
  const mayHaveZone = others.some((type) => !WITHOUT_ZONE.has(type));
  if (mayHaveZone && ZONE_IN_TIME.test(joined.replaceAll('UTC', '')))
    return 'it may have a time with the name of a zone, whose rules may change';
  return undefined;
}
