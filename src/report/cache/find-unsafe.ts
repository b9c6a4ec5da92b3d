/** Whether the result of a report depends on nothing but data, settings and versions, by what the server makes of its SQL. */
import type pg from 'pg';
import type { Statement } from '../parameters.js';
import {
  namedIn,
  SAFE_STABLE_FUNCTIONS,
  UNSAFE_FUNCTIONS,
  whyTreeIsUnsafe,
} from './safe-expressions.js';

const FUNCTION = 'pg_temp.edp_report';

/**
 * Lets the server analyse the SQL: as the body of a function that is taken back. Names, overloads and implicit
 * conversions are resolved there, so nothing is guessed.
 *
 * @param session in a transaction that may write, and will be rolled back
 * @returns why the result may not be kept; undefined where it may
 */
export async function whyUnsafe(
  session: pg.Client,
  { text, types }: Statement,
): Promise<string | undefined> {
  const parameters = types.join(', ');
  await session.query(
    `CREATE FUNCTION ${FUNCTION}(${parameters}) RETURNS SETOF record LANGUAGE sql BEGIN ATOMIC ${text}\n; END`,
  );
  const { rows } = await session.query<{ tree: string }>(
    `SELECT prosqlbody::text AS tree FROM pg_proc WHERE oid = '${FUNCTION}'::regproc`,
  );
  const { tree } = rows[0]!;
  return whyTreeIsUnsafe(tree, text) ?? (await whyNamedIsUnsafe(session, tree));
}

/**
 * Goes through all that the server puts into the query later: views, and the views in them, columns that are computed when
 * they are read, and defaults of arguments.
 */
async function whyNamedIsUnsafe(session: pg.Client, tree: string): Promise<string | undefined> {
  const functions = new Set<number>();
  const operators = new Set<number>();
  const known = new Set<number>();
  for (let trees = [tree]; trees.length > 0; ) {
    const named = trees.map(namedIn);
    for (const oid of named.flatMap((one) => one.operators)) operators.add(oid);
    const called = takeNew(
      named.flatMap((one) => one.functions),
      functions,
    );
    const relations = takeNew(
      named.flatMap((one) => one.relations),
      known,
    );
    trees = [];
    for (const relation of await describeRelations(session, relations)) {
      const why = whyRelationIsUnsafe(relation);
      if (why !== undefined) return why;
      for (const inside of relation.trees) {
        const whyInside = whyTreeIsUnsafe(inside);
        if (whyInside !== undefined) return `${relation.name}: ${whyInside}`;
        trees.push(inside);
      }
    }
    for (const { name, defaults } of await describeDefaults(session, called)) {
      const why = whyTreeIsUnsafe(defaults);
      if (why !== undefined) return `a default of ${name}: ${why}`;
      trees.push(defaults);
    }
  }
  return whyFunctionsAreUnsafe(session, [...functions], [...operators]);
}

/** Those that are not known yet; they are then. */
function takeNew(oids: readonly number[], known: Set<number>): number[] {
  const taken = [...new Set(oids)].filter((oid) => !known.has(oid));
  for (const oid of taken) known.add(oid);
  return taken;
}

interface Relation {
  readonly name: string;
  readonly kind: string;
  readonly persistence: string;
  readonly hasPolicies: boolean;
  readonly isCatalog: boolean;
  /** Of a view, and of columns that are computed when they are read. */
  readonly trees: readonly string[];
}

/** The relations, and all partitions and children of them. */
async function describeRelations(
  session: pg.Client,
  oids: readonly number[],
): Promise<readonly Relation[]> {
  if (oids.length === 0) return [];
  const { rows } = await session.query<Relation>(
    `WITH RECURSIVE family AS (
       SELECT unnest($1::oid[]) AS oid UNION SELECT inhrelid FROM pg_inherits JOIN family ON inhparent = family.oid)
     SELECT c.oid::regclass::text AS name, relkind AS kind, relpersistence AS persistence, relrowsecurity AS "hasPolicies",
       n.nspname IN ('pg_catalog', 'information_schema', 'pg_toast') AS "isCatalog",
       ARRAY(SELECT ev_action::text FROM pg_rewrite WHERE relkind = 'v' AND ev_class = c.oid AND ev_type = '1'
             UNION ALL SELECT adbin::text FROM pg_attrdef d JOIN pg_attribute a ON attrelid = adrelid AND attnum = adnum
             WHERE adrelid = c.oid AND attgenerated = 'v') AS trees
     FROM family JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = relnamespace`,
    [oids],
  );
  return rows;
}

/** The server adds them to a call when it plans, so they are not in its tree. */
async function describeDefaults(
  session: pg.Client,
  oids: readonly number[],
): Promise<readonly { readonly name: string; readonly defaults: string }[]> {
  if (oids.length === 0) return [];
  const { rows } = await session.query<{ name: string; defaults: string }>(
    `SELECT oid::regprocedure::text AS name, proargdefaults::text AS defaults
     FROM pg_proc WHERE oid = ANY ($1) AND proargdefaults IS NOT NULL`,
    [oids],
  );
  return rows;
}

function whyRelationIsUnsafe(relation: Relation): string | undefined {
  const { name, kind, persistence } = relation;
  // The server changes its statistics there outside of transactions.
  if (relation.isCatalog) return `it reads the catalog (${name})`;
  if (relation.hasPolicies) return `${name} has row-level security`;
  if (kind === 'f') return `${name} is a foreign table`;
  if (!'rpvm'.includes(kind)) return `${name} is no table`;
  // A crash empties it.
  if (persistence !== 'p') return `${name} is unlogged or temporary`;
  return undefined;
}

async function whyFunctionsAreUnsafe(
  session: pg.Client,
  functions: readonly number[],
  operators: readonly number[],
): Promise<string | undefined> {
  const { rows } = await session.query<{ name: string; volatility: string }>(
    `WITH called AS (
       SELECT unnest($1::oid[]) AS oid UNION SELECT oprcode FROM pg_operator WHERE oid = ANY ($2::oid[])
     ), parts AS (
       SELECT oid FROM called
       UNION SELECT part FROM called JOIN pg_aggregate ON aggfnoid = called.oid JOIN pg_proc p ON p.oid = called.oid,
         unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn, aggmfinalfn]::oid[]) AS part
       WHERE part <> 0 AND p.pronamespace <> 'pg_catalog'::regnamespace)
     SELECT oid::regprocedure::text AS name, provolatile AS volatility
     FROM parts JOIN pg_proc USING (oid)
     WHERE proname = ANY ($3) OR NOT (provolatile = 'i' OR provolatile = 's' AND pronamespace = 'pg_catalog'::regnamespace
       AND (proname = ANY ($4) AND pronargs < 4 OR proname = 'date_trunc' AND pronargs = 2))
     ORDER BY 1 LIMIT 1`,
    [functions, operators, UNSAFE_FUNCTIONS, SAFE_STABLE_FUNCTIONS],
  );
  const found = rows[0];
  if (found === undefined) return undefined;
  const words: Readonly<Record<string, string>> = { v: 'volatile', s: 'stable', i: 'no constant' };
  return `function ${found.name} is ${words[found.volatility]}`;
}
