/** What the catalog says about the table of a load, and so how its splits are to be copied. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { quoteIdentifier, quoteTable } from '../model/ddl.js';
import { physicalKey } from '../model/kept-versions.js';
import { CONFLICT_RULES, type OnConflict } from '../model/load-rules.js';
import { physicalColumns, type Table } from '../model/model.js';
import type { OtherType } from '../model/other-type.js';
import { type ColumnType, SQL_TYPE } from '../model/types.js';
import { alterToFit } from './alter-to-fit.js';
import { type CatalogColumn, listColumns, type Privilege } from './columns-in-catalog.js';
import type { SharedValues } from './copied-values.js';
import type { CopyColumn } from './copy-stream.js';
import { FAMILY } from './family.js';
import { type ForeignKey, listForeignKeys } from './foreign-keys-in-catalog.js';
import { IS_GUARD, keyGuardOf } from './key-guard.js';
import { looksAtRows } from './looks-at-rows.js';
import { IS_OWN_KEY } from './own-keys.js';
import { inspectPartitions, type TablePartitions } from './partitions-in-catalog.js';
import { ACCESS, type Access, assertAccess, refuseMissing } from './refused-relations.js';
import { INSERTS, isAllowedToSkip, mayReplaceChecks } from './replaced-checks.js';

export interface Denial {
  readonly privilege: Privilege;
  readonly columns: readonly string[];
}

/** Plain data, so that it can be handed to a thread. */
export interface TableInCatalog {
  readonly oid: number;
  /** Schema-qualified and quoted. */
  readonly table: string;
  readonly key: readonly string[];
  /**
   * Whether a record may decide about a later one, so that all are loaded in their order: a unique index
   * or an exclusion constraint, also of one partition only, of two rows with one key takes the first; and
   * a trigger may write to a table that has one.
   */
  readonly isInOrder: boolean;
  /** Those of one column that the role can check. */
  readonly foreignKeys: readonly ForeignKey[];
  /**
   * Whether splits check foreign keys themselves, once per distinct value, instead of paying for a
   * trigger per row, which costs four times everything else together (docs/performance.md). Each
   * transaction decides again, under a lock of the table.
   */
  readonly checksForeignKeys: boolean;
  /** Whether users have made triggers, which may put rows elsewhere. */
  readonly hasTriggers: boolean;
  /** Whether checks or triggers may be put off until the commit, here or by what a trigger does. */
  readonly mayDefer: boolean;
  /** Whether rules change what an INSERT does; COPY does not know of them. */
  readonly hasRules: boolean;
  /** Whether its rows may refer to rows of the same table. */
  readonly refersToItself: boolean;
  /** Whether each record needs a statement of its own, behind those before it: users' code may look at them. */
  readonly looksAtRows: boolean;
  /** Whether the role may lock the table as statements that change rows do. */
  readonly mayLock: boolean;
  readonly role: string;
  /** Privileges that the command needs, and the columns for which the role lacks them. */
  readonly denied: readonly Denial[];
  /** Columns of types that edp does not know, whose values it sends as text. */
  readonly others: ReadonlyMap<string, OtherType>;
  /** Columns GENERATED ALWAYS AS IDENTITY: the server takes a value for a new row, and never another one. */
  readonly fixed: readonly string[];
  /** Columns that the server computes, and takes no value for: GENERATED ALWAYS AS (…), stored or virtual. */
  readonly generated: readonly string[];
  /** Undefined where edp makes no partitions. */
  readonly partitions: TablePartitions | undefined;
  /** What its columns copy from other tables, by column; undefined where the server must look it up. */
  readonly copied?: ReadonlyMap<string, SharedValues>;
  /** Whether a side table keeps the key unique, so that no ON CONFLICT can name it. */
  readonly hasGuardedKey: boolean;
  /** Whether a key may have several rows, one for each version. */
  readonly hasVersions: boolean;
  /** Whether each file holds all members, so that those it lacks have ended. */
  readonly isSnapshot: boolean;
}

/**
 * Types of existing columns that a model's type also fits, because they are equivalent or the
 * server converts.
 */
const ALSO_FITS: Readonly<Record<string, RegExp>> = {
  text: /^(?:(?:character varying|character|bpchar)(?:\(\d+\))?|text|citext|name)$/,
  numeric: /^numeric(?:\(-?\d+,-?\d+\))?$/,
  'timestamp without time zone': /^timestamp(\(\d\))? without time zone$/,
  'timestamp with time zone': /^timestamp(\(\d\))? with time zone$/,
};

function fits(expected: string, { baseType }: CatalogColumn): boolean {
  return expected === baseType || ALSO_FITS[expected]?.test(baseType) === true;
}

/** Whether no type of a model fits, so that the server reads the values as text. */
function isOther(column: CatalogColumn): boolean {
  return !Object.values(SQL_TYPE).some((type) => fits(type, column));
}

/** @returns its name is schema-qualified and quoted; undefined where it was never created */
export async function findTableInCatalog(
  client: pg.Client,
  name: string,
): Promise<{ readonly oid: number; readonly name: string } | undefined> {
  const { rows } = await client.query<{ oid: number; name: string }>(
    `SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')`,
    [quoteTable(name)],
  );
  return rows[0];
}

/**
 * Looks up a table and compares it with the model.
 *
 * @param asked the rule of the records that are to be loaded, if any are
 * @param at name of the table in the database, where that is known
 * @throws EdpError `table_mismatch` that names every difference at once
 */
export async function inspectTable(
  client: pg.Client,
  table: Table,
  asked?: OnConflict,
  at = table.name,
): Promise<TableInCatalog> {
  // Of a key with versions, no row is replaced.
  const onConflict = table.hasVersions === true && asked !== undefined ? 'reject' : asked;
  const found = await findTableInCatalog(client, at);
  if (found === undefined) return refuseMissing(client, table.name, at);
  const { oid } = found;
  const { rows } = await client.query<
    Pick<TableInCatalog, 'isInOrder' | 'hasTriggers' | 'mayDefer' | 'hasRules' | 'refersToItself'> &
      Access
  >(
    `${FAMILY}, made AS (SELECT FROM pg_trigger t WHERE tgrelid IN (TABLE family)
                AND NOT tgisinternal AND tgenabled <> 'D' AND NOT ${IS_GUARD})
     SELECT EXISTS (TABLE made) OR EXISTS (SELECT FROM pg_index WHERE indrelid IN (TABLE family)
                                           AND (indisunique OR indisexclusion)) AS "isInOrder",
            EXISTS (TABLE made) AS "hasTriggers",
            EXISTS (SELECT FROM pg_trigger t WHERE tgrelid IN (TABLE family)
                    AND (tgdeferrable OR NOT tgisinternal) AND NOT ${IS_GUARD}) AS "mayDefer",
            EXISTS (SELECT FROM pg_rewrite WHERE ev_class = $1
                    AND ev_type IN ('2', '3') AND ev_enabled <> 'D') AS "hasRules",
            EXISTS (SELECT FROM pg_constraint f WHERE ${IS_OWN_KEY}) AS "refersToItself",
            ${ACCESS}`,
    [oid],
  );
  const { isInOrder, hasTriggers, mayDefer, hasRules, refersToItself, ...access } = rows[0]!;
  assertAccess(table.name, found.name, access);
  const columns = await listColumns(client, oid);
  const guardedKey = await keyGuardOf(client, oid);
  await assertFits(client, table, found, columns, guardedKey);
  if (onConflict !== undefined && CONFLICT_RULES[onConflict].replacesRow && table.key.length > 0) {
    await assertReplaceable(client, table, found, hasRules);
  }
  const foreignKeys = await listForeignKeys(client, oid);
  const looks = hasRules || (await looksAtRows(client, oid));
  return {
    oid,
    table: found.name,
    key: table.key,
    isInOrder: isInOrder || looks || guardedKey !== undefined,
    hasGuardedKey: guardedKey !== undefined,
    hasVersions: table.hasVersions === true,
    isSnapshot: table.snapshot !== undefined,
    hasTriggers,
    mayDefer,
    hasRules,
    refersToItself,
    looksAtRows: looks,
    mayLock: access.mayLock,
    role: access.role,
    denied: listDenials(table, columns, onConflict),
    others: new Map(columns.filter(isOther).map(({ name, properties }) => [name, properties])),
    generated: columns.filter(({ isGenerated }) => isGenerated).map(({ name }) => name),
    fixed: columns.filter(({ identity }) => identity === 'a').map(({ name }) => name),
    partitions: await inspectPartitions(client, table, oid),
    foreignKeys,
    checksForeignKeys:
      foreignKeys.length > 0 &&
      access.mayLock &&
      (await mayReplaceChecks(client, oid, {
        events: INSERTS,
        foreignKeys: lockable(foreignKeys),
        columns: physicalColumns(table)
          .map(({ name }) => name)
          .filter((name) => !columns.some((column) => column.name === name && column.isGenerated)),
      })) &&
      (await isAllowedToSkip(client)),
  };
}

/** Without a rule for conflicts, rows are only read. */
function listDenials(
  { key }: Table,
  columns: readonly CatalogColumn[],
  onConflict: OnConflict | undefined,
): Denial[] {
  const listed = (privilege: Privilege, isNeeded: (column: CatalogColumn) => boolean): Denial => ({
    privilege,
    columns: columns
      .filter((column) => !column.privileges[privilege] && isNeeded(column))
      .map(({ name }) => name),
  });
  const replaces =
    onConflict !== undefined && CONFLICT_RULES[onConflict].replacesRow && key.length > 0;
  return [
    listed('SELECT', () => true),
    ...(onConflict === undefined ? [] : [listed('INSERT', () => true)]),
    ...(replaces
      ? [listed('UPDATE', ({ name, identity }) => !key.includes(name) && identity !== 'a')]
      : []),
  ].filter((denial) => denial.columns.length > 0);
}

/** The columns of a plan as COPY takes them into the table. */
export function toCopyColumns(
  { others }: Pick<TableInCatalog, 'others'>,
  columns: readonly { readonly name: string; readonly type: ColumnType }[],
): CopyColumn[] {
  return columns.map(({ name, type }) => ({ name, type, other: others.get(name) }));
}

/** Oids of the foreign keys whose checks edp can make as the server does. */
export function lockable(foreignKeys: readonly ForeignKey[]): number[] {
  return foreignKeys.filter(({ mayLock }) => mayLock).map(({ constraint }) => constraint);
}

interface UniqueIndex {
  readonly columns: readonly string[];
  readonly is_immediate: boolean;
  /** Of its constraint, if it has one. */
  readonly constraint_name: string | null;
  readonly constraint_definition: string | null;
}

/** Unique indexes over all rows, by the columns that are unique together. */
export async function listUniqueIndexes(client: pg.Client, oid: number): Promise<UniqueIndex[]> {
  const { rows } = await client.query<UniqueIndex>(
    `SELECT array_agg(a.attname::text) AS columns, i.indimmediate AS is_immediate,
            min(k.conname::text) AS constraint_name,
            min(pg_get_constraintdef(k.oid)) AS constraint_definition
     FROM pg_index i
     -- The columns behind the first indnkeyatts are only included.
     JOIN unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) AS n (number) ON true
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = n.number
     -- A foreign key names the index that it refers to, too.
     LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
     WHERE i.indrelid = $1 AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
       AND (i.indisvalid OR (SELECT relkind = 'I' FROM pg_class WHERE oid = i.indexrelid))
     GROUP BY i.indexrelid, i.indimmediate`,
    [oid],
  );
  return rows;
}

export function isOn(key: readonly string[], { columns }: UniqueIndex): boolean {
  return isSame(key, columns);
}

function isSame(key: readonly string[], columns: readonly string[]): boolean {
  return [...columns].sort().join('\n') === [...key].sort().join('\n');
}

/** @throws EdpError `table_mismatch` where the server takes no ON CONFLICT for the table */
async function assertReplaceable(
  client: pg.Client,
  table: Table,
  { oid, name }: { readonly oid: number; readonly name: string },
  hasRules: boolean,
): Promise<void> {
  if (hasRules) {
    throw new EdpError(
      'table_mismatch',
      `rows of table "${table.name}" cannot be replaced: it has rules, with which the server takes no ON CONFLICT`,
      { hint: 'let a trigger do what the rule does; or load without --on-conflict update' },
    );
  }
  const indexes = await listUniqueIndexes(client, oid);
  const deferrable = indexes.filter((index) => isOn(table.key, index) && !index.is_immediate);
  if (deferrable.length === 0) return;
  const remedies = deferrable.map(({ constraint_name, constraint_definition }) => {
    const quoted = quoteIdentifier(constraint_name!);
    const definition = constraint_definition!.replace(/ DEFERRABLE( INITIALLY DEFERRED)?$/, '');
    return `ALTER TABLE ${name} DROP CONSTRAINT ${quoted}, ADD CONSTRAINT ${quoted} ${definition} NOT DEFERRABLE;`;
  });
  throw new EdpError(
    'table_mismatch',
    `rows of table "${table.name}" cannot be replaced: its key (${table.key.join(', ')}) is DEFERRABLE, and with such a key the server takes no ON CONFLICT`,
    { hint: `${remedies.join(' ')} Or load with --on-conflict reject or skip` },
  );
}

function generatedKeyFault(column: string): string {
  return `the server computes its column "${column}", by which edp cannot find rows: leave \`key\` out of edp.yaml; records that the server refuses for their key are rejects all the same`;
}

/** How a table differs from its model. */
export interface Misfit {
  readonly faults: readonly string[];
  /** What makes it as the model says; undefined where no statement does. */
  readonly statement: string | undefined;
}

/** @returns undefined where the table fits, or is not there */
export async function findMisfit(client: pg.Client, table: Table): Promise<Misfit | undefined> {
  const found = await findTableInCatalog(client, table.name);
  if (found === undefined) return undefined;
  const columns = await listColumns(client, found.oid);
  return compare(client, table, found, columns, await keyGuardOf(client, found.oid));
}

async function assertFits(
  client: pg.Client,
  table: Table,
  found: { readonly oid: number; readonly name: string },
  actual: readonly CatalogColumn[],
  guardedKey: readonly string[] | undefined,
): Promise<void> {
  const misfit = await compare(client, table, found, actual, guardedKey);
  if (misfit === undefined) return;
  const { faults, statement } = misfit;
  throw new EdpError(
    'table_mismatch',
    `table "${table.name}" does not fit the model: ${faults.join('; ')}`,
    {
      hint:
        statement === undefined
          ? 'ALTER the table, or change the model in edp.yaml, so that they agree'
          : `change the model in edp.yaml, or the table: ${statement} Where the server refuses that for what is in the table, undo its loads, DROP the table and load the files again: edp makes it as the model says`,
    },
  );
}

async function compare(
  client: pg.Client,
  table: Table,
  { oid, name }: { readonly oid: number; readonly name: string },
  actual: readonly CatalogColumn[],
  guardedKey: readonly string[] | undefined,
): Promise<Misfit | undefined> {
  const faults: string[] = [];
  const missing: string[] = [];
  const otherType: string[] = [];
  const required: string[] = [];
  let lacksKey = false;
  const expected = physicalColumns(table);
  for (const column of expected) {
    const existing = actual.find(({ name }) => name === column.name);
    const type = SQL_TYPE[column.type];
    if (existing === undefined) {
      faults.push(`it has no column "${column.name}" (${type})`);
      missing.push(column.name);
    } else if (existing.isGenerated) {
      if (table.key.includes(column.name)) faults.push(generatedKeyFault(column.name));
      if (table.lineageColumn === column.name) {
        faults.push(`the server computes its column "${column.name}", which is to have the load`);
      }
    } else if (!(column.type === 'text' && isOther(existing)) && !fits(type, existing)) {
      const mend = isOther(existing) ? ': declare it as text, and the server reads its values' : '';
      faults.push(`column "${column.name}" is ${existing.type}, the model says ${type}${mend}`);
      if (mend === '') otherType.push(column.name);
    }
  }
  for (const { name, isRequired } of actual) {
    if (isRequired && !expected.some((column) => column.name === name)) {
      faults.push(`column "${name}" needs a value, and the model does not know it`);
      required.push(name);
    }
  }
  const key = physicalKey(table);
  if (key.length > 0) {
    const indexes = await listUniqueIndexes(client, oid);
    lacksKey = !indexes.some((index) => isOn(key, index)) && !isSame(key, guardedKey ?? []);
    if (lacksKey) {
      faults.push(`it has no primary key or unique index on (${key.join(', ')})`);
    }
  }
  if (faults.length === 0) return undefined;
  return { faults, statement: alterToFit(table, name, { missing, otherType, required, lacksKey }) };
}
