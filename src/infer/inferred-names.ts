/** Names of fields and files → names of columns and tables: valid, unique, and easy to type. */
import path from 'node:path';
import { IMPOSSIBLE_NAME } from '../model/impossible-name.js';
import { SYSTEM_COLUMNS } from '../model/schema.js';

/** PostgreSQL truncates longer identifiers (NAMEDATALEN - 1). */
const MAX_IDENTIFIER_BYTES = 63;

/** Identifiers that need no quotes. */
const NEEDS_NO_QUOTES = /^[a-z_][a-z0-9_]*$/;

/**
 * `Order Date` and `orderDate` → `order_date`, which needs no quotes in SQL. Letters of all
 * alphabets are kept.
 *
 * @param fallback for a name of which no character can be kept
 */
export function toIdentifier(name: string, fallback: string): string {
  if (NEEDS_NO_QUOTES.test(name) && name !== IMPOSSIBLE_NAME)
    return cutBytes(name, MAX_IDENTIFIER_BYTES);
  const words = name
    .normalize('NFC')
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, '$1_$2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1_$2')
    .toLowerCase()
    .replace(/%/g, ' percent ')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '');
  const word = words === '' ? fallback : words;
  return cutBytes(/^\p{L}/u.test(word) ? word : `_${word}`, MAX_IDENTIFIER_BYTES);
}

/** The same for a column; names of PostgreSQL's system columns are avoided. */
export function toColumnName(name: string, fallback: string): string {
  const column = toIdentifier(name, fallback);
  return SYSTEM_COLUMNS.has(column) ? `_${column}` : column;
}

function cutBytes(name: string, most: number): string {
  let cut = '';
  let bytes = 0;
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > most) break;
    cut += character;
  }
  return cut;
}

/** Reserves a name, with a number appended if it is taken. @returns the reserved name */
export function takeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) {
    const suffix = `_${number}`;
    free = `${cutBytes(name, MAX_IDENTIFIER_BYTES - suffix.length)}${suffix}`;
  }
  taken.add(free);
  return free;
}

/**
 * Reserves a column name for each field. A field whose name needs no change keeps it: beside `a_b`, `A b` becomes
 * `a_b_2`, in whatever order they come.
 *
 * @param fallback for the field at an index, if no character of its name can be kept
 * @returns the names in the order of the fields
 */
export function takeColumnNames(
  fields: readonly string[],
  fallback: (index: number) => string,
  taken: Set<string>,
): string[] {
  const wanted = fields.map((field, i) => toColumnName(field, fallback(i)));
  const names: string[] = [];
  for (const isUnchanged of [true, false]) {
    for (const [i, name] of wanted.entries()) {
      if ((name === fields[i]) === isUnchanged) names[i] = takeName(name, taken);
    }
  }
  return names;
}

/** `sales-2024-01.csv.gz` → `sales`: a name without what distinguishes the files of a series. */
export function nameSeries(file: string): string {
  const stem = stemOf(file);
  return toIdentifier(stripSeries(stem) || stem, 'data');
}

/** `sales-2024-01.csv.gz` → `sales_2024_01`: a file's own name. */
export function nameFile(file: string): string {
  return toIdentifier(stemOf(file), 'data');
}

export function stemOf(file: string): string {
  return path.basename(file).split('.')[0]!;
}

/** The part of a file's name that all files of the series share. */
export function stripSeries(stem: string): string {
  return stem.replace(/(?:[-_ ]+(?:\d[\d-_ T]*|part|copy))+$/i, '').replace(/[-_ ]+$/, '');
}

/** How likely a field with this name is the time of the event; 0 for no evidence. */
export function rankTimeName(field: string): number {
  const name = toIdentifier(field, '');
  if (
    /^(?:event|recorded|occurred|happened|client_event)_?(?:time|date|at|on|timestamp)?$/.test(name)
  )
    return 4;
  if (/^(?:timestamp|time|datetime|date|ts)$/.test(name)) return 3;
  if (/^created(?:_(?:at|on|date|time))?$/.test(name)) return 2;
  return /(?:time|date|timestamp|_at|_on|_ts)$/.test(name) ? 1 : 0;
}
