/** What the catalog says about the table of a load, and so how its splits are to be copied. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { quoteIdentifier } from '../model/ddl.js';
import { CONFLICT_RULES, type OnConflict } from '../model/load-rules.js';
import { physicalColumns, type Table } from '../model/model.js';
import { SQL_TYPE } from '../model/types.js';
import { FAMILY } from './family.js';
import { type ForeignKey, listForeignKeys } from './foreign-keys-in-catalog.js';
import { IS_OWN_KEY } from './own-keys.js';
import { INSERTS, isAllowedToSkip, mayReplaceChecks } from './replaced-checks.js';

/** Plain data, so that it can be handed to a thread. */
export interface TableInCatalog {
  readonly oid: number;
  /** Schema-qualified and quoted. */
  readonly table: string;
  readonly key: readonly string[];
  /**
   * Whether any unique index or exclusion constraint constrains the rows, also of one partition
   * only, so that of two rows with one key the first wins.
   */
  readonly hasUniqueIndex: boolean;
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
  /** Whether its rows may refer to rows of the same table, so that each waits for those before it. */
  readonly refersToItself: boolean;
}

interface CatalogColumn {
  readonly name: string;
  readonly type: string;
  readonly isRequired: boolean;
}

/**
 * Types of existing columns that a model's type also fits, because they are equivalent or the
 * server converts.
 */
const ALSO_FITS: Readonly<Record<string, RegExp>> = {
  text: /^(character varying|character|text|citext|name)\b/,
  numeric: /^numeric\b/,
  'timestamp without time zone': /^timestamp(\(\d\))? without time zone$/,
  'timestamp with time zone': /^timestamp(\(\d\))? with time zone$/,
};

function fits(expected: string, actual: string): boolean {
  return expected === actual || ALSO_FITS[expected]?.test(actual) === true;
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
    [quoteIdentifier(name)],
  );
  return rows[0];
}

/**
 * Looks up a table and compares it with the model.
 *
 * @param onConflict the rule of the records that are to be loaded, if any are
 * @throws EdpError `table_mismatch` that names every difference at once
 */
export async function inspectTable(
  client: pg.Client,
  table: Table,
  onConflict?: OnConflict,
): Promise<TableInCatalog> {
  const found = await findTableInCatalog(client, table.name);
  if (found === undefined) {
    throw new EdpError('table_mismatch', `there is no table "${table.name}" in the database`, {
      hint: 'a role that may create tables makes it with its first load',
    });
  }
  await assertFits(client, table, found.oid);
  const { oid } = found;
  const { rows } = await client.query<
    Pick<
      TableInCatalog,
      'hasUniqueIndex' | 'hasTriggers' | 'mayDefer' | 'hasRules' | 'refersToItself'
    >
  >(
    `${FAMILY}
     SELECT EXISTS (SELECT FROM pg_index WHERE indrelid IN (TABLE family)
                    AND (indisunique OR indisexclusion)) AS "hasUniqueIndex",
            EXISTS (SELECT FROM pg_trigger WHERE tgrelid IN (TABLE family)
                    AND NOT tgisinternal AND tgenabled <> 'D') AS "hasTriggers",
            EXISTS (SELECT FROM pg_trigger WHERE tgrelid IN (TABLE family)
                    AND (tgdeferrable OR NOT tgisinternal)) AS "mayDefer",
            EXISTS (SELECT FROM pg_rewrite WHERE ev_class = $1
                    AND ev_type IN ('2', '3') AND ev_enabled <> 'D') AS "hasRules",
            EXISTS (SELECT FROM pg_constraint f WHERE ${IS_OWN_KEY}) AS "refersToItself"`,
    [oid],
  );
  const properties = rows[0]!;
  if (onConflict !== undefined && CONFLICT_RULES[onConflict].replacesRow && table.key.length > 0) {
    await assertReplaceable(client, table, found, properties.hasRules);
  }
  const foreignKeys = await listForeignKeys(client, oid);
  return {
    oid,
    table: found.name,
    key: table.key,
    ...properties,
    foreignKeys,
    checksForeignKeys:
      foreignKeys.length > 0 &&
      (await mayReplaceChecks(client, oid, {
        events: INSERTS,
        foreignKeys: lockable(foreignKeys),
        columns: physicalColumns(table).map(({ name }) => name),
      })) &&
      (await isAllowedToSkip(client)),
  };
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
async function listUniqueIndexes(client: pg.Client, oid: number): Promise<UniqueIndex[]> {
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

function isOn(key: readonly string[], { columns }: UniqueIndex): boolean {
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

async function assertFits(client: pg.Client, table: Table, oid: number): Promise<void> {
  const { rows: actual } = await client.query<CatalogColumn>(
    `SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type,
            attnotnull AND NOT atthasdef AND attidentity = '' AS "isRequired"
     FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped`,
    [oid],
  );
  const faults: string[] = [];
  const expected = physicalColumns(table);
  for (const column of expected) {
    const existing = actual.find(({ name }) => name === column.name);
    const type = SQL_TYPE[column.type];
    if (existing === undefined) faults.push(`it has no column "${column.name}" (${type})`);
    else if (!fits(type, existing.type)) {
      faults.push(`column "${column.name}" is ${existing.type}, the model says ${type}`);
    }
  }
  for (const { name, isRequired } of actual) {
    if (isRequired && !expected.some((column) => column.name === name)) {
      faults.push(`column "${name}" needs a value, and the model does not know it`);
    }
  }
  if (table.key.length > 0) {
    const indexes = await listUniqueIndexes(client, oid);
    if (!indexes.some((index) => isOn(table.key, index))) {
      faults.push(`it has no primary key or unique index on (${table.key.join(', ')})`);
    }
  }
  if (faults.length > 0) {
    throw new EdpError(
      'table_mismatch',
      `table "${table.name}" does not fit the model: ${faults.join('; ')}`,
      {
        hint: 'ALTER the table, or change the model in edp.yaml, so that they agree',
      },
    );
  }
}
