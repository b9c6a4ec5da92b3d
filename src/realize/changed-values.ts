/** What an entry of the log of changes says of the rows that a fold changes: their dates and keys, before and after. */
import type pg from 'pg';
import { type Change, type ChangedValues, MOST_LISTED } from '../ledger/changes.js';
import type { ReadersOf } from '../ledger/value-readers.js';
import { quoteTable } from '../model/ddl.js';

/** A value that the log of changes wants of each changed row. */
export interface WantedValue {
  readonly kind: 'dates' | 'keys';
  readonly name: string;
  /** SQL of it as text. */
  of(row: string): string;
}

/** A realized table or its history, as the server has it. */
export interface FoldTarget {
  /** As entries of the log have it. */
  readonly relation: string;
  readonly values: readonly WantedValue[];
}

/** @param name as edp.yaml writes it; the table is there */
export async function describeTarget(
  client: pg.Client,
  name: string,
  readersOf: ReadersOf,
): Promise<FoldTarget> {
  const { rows } = await client.query<{
    schema: string;
    name: string;
    relation: string;
    columns: Readonly<Record<string, string>>;
  }>(
    `SELECT n.nspname AS schema, c.relname AS name, format('%I.%I', n.nspname, c.relname) AS relation,
       (SELECT json_object_agg(attname, format_type(atttypid, atttypmod)) FROM pg_attribute
        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::regclass`,
    [quoteTable(name)],
  );
  const { relation, columns, ...place } = rows[0]!;
  const types = new Map(Object.entries(columns));
  const values = readersOf(place).flatMap((reader): WantedValue[] => {
    if (reader.valueOf('t', types) === undefined) return [];
    return [{ kind: reader.kind, name: reader.name, of: (row) => reader.valueOf(row, types)! }];
  });
  return { relation, values };
}

/** Names of the values in the parts of a statement. */
const place = (i: number, prefix: string) => `${prefix}${i}`;

/** What RETURNING gives of a row. @param prefix of the names of its values */
export function returned(values: readonly WantedValue[], row: string, prefix = 'v'): string {
  if (values.length === 0) return '1';
  return values.map(({ of }, i) => `${of(row)} AS ${place(i, prefix)}`).join(', ');
}

/** A SELECT of the values that RETURNING named. */
export function valuesFrom(values: readonly WantedValue[], from: string, prefix = 'v'): string {
  const list = values.map((_, i) => `${place(i, prefix)} AS ${place(i, 'v')}`);
  return `SELECT ${list.join(', ')} FROM ${from}`;
}

/** An output of a statement with the relation `changed`: a list of distinct values for each. */
export function listedValues(values: readonly WantedValue[]): string {
  if (values.length === 0) return '';
  const lists = values.map(
    (_, i) =>
      `(SELECT json_agg(v) FROM (SELECT DISTINCT ${place(i, 'v')} AS v FROM changed LIMIT ${MOST_LISTED + 1}) AS d)`,
  );
  return `, json_build_array(${lists.join(', ')}) AS values`;
}

/** Values of several statements: by value, a list each. */
export type ListedValues = readonly (readonly string[] | null)[];

/** @returns the dates and keys of an entry of the log */
export function toChangedValues(
  wanted: readonly WantedValue[],
  lists: readonly ListedValues[],
): Pick<Change, 'dates' | 'keys'> {
  const entries = wanted.map(({ kind, name }, i) => {
    const all = new Set(lists.flatMap((list) => list[i] ?? []));
    return { kind, name, list: all.size > MOST_LISTED ? null : [...all] };
  });
  const of = (wantedKind: string): ChangedValues | undefined => {
    const own = entries.filter(({ kind }) => kind === wantedKind);
    return own.length === 0
      ? undefined
      : Object.fromEntries(own.map(({ name, list }) => [name, list]));
  };
  const [dates, keys] = [of('dates'), of('keys')];
  return { ...(dates === undefined ? {} : { dates }), ...(keys === undefined ? {} : { keys }) };
}
