/** The tables of a source that a user means, and what the model calls them. */
import { createHash } from 'node:crypto';
import picomatch from 'picomatch';
import { EdpError } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { EVENT_LOG } from '../events/event-log.js';
import { toIdentifier } from '../infer/inferred-names.js';
import { identifier } from '../model/schema.js';
import { formatTableName } from '../model/table-name.js';
import type { SourceTable } from './read-source-tables.js';

export interface NamedTable extends SourceTable {
  /** In the model, as edp.yaml writes it. */
  readonly modelName: string;
}

/**
 * @param schemas the only ones to look at; empty for all
 * @param patterns names or globs, with a schema or without; empty for all tables
 * @throws EdpError `unknown_table` for a schema or pattern that nothing fits
 */
export function chooseTables(
  tables: readonly NamedTable[],
  schemas: readonly string[],
  patterns: readonly string[],
): NamedTable[] {
  const ofSchemas = tables.filter(({ schema }) => schemas.length === 0 || schemas.includes(schema));
  const known = [...new Set(tables.map(({ schema }) => schema))];
  for (const name of schemas) {
    if (!known.includes(name)) throw unknown(`schema ${JSON.stringify(name)}`, name, known);
  }
  if (patterns.length === 0) return ofSchemas;
  const chosen = new Set<NamedTable>();
  for (const pattern of patterns) {
    const fits = picomatch(pattern, { dot: true });
    const found = ofSchemas.filter(
      ({ schema, name }) => fits(name) || fits(`${schema}.${name}`) || pattern === name,
    );
    const names = ofSchemas.map(({ schema, name }) =>
      pattern.includes('.') ? `${schema}.${name}` : name,
    );
    if (found.length === 0) throw unknown(`table ${JSON.stringify(pattern)}`, pattern, names);
    for (const table of found) chosen.add(table);
  }
  return ofSchemas.filter((table) => chosen.has(table));
}

function unknown(what: string, name: string, known: readonly string[]): EdpError {
  const close = nearest(name, known);
  return new EdpError('unknown_table', `the source has no ${what}`, {
    hint:
      close === undefined
        ? 'a table is named name or schema.name, and * stands for any letters; partitions and views are not imported'
        : `did you mean ${JSON.stringify(close)}?`,
  });
}

/**
 * A table keeps its name where the search path finds it, or where the user asks for its schema alone. Any other one
 * has its schema before its name, so that it does not depend on which tables are imported: `sales_orders`.
 */
export function nameTables(
  tables: readonly SourceTable[],
  schemas: readonly string[],
): NamedTable[] {
  const hasPlainName = ({ schema, isInPath }: SourceTable) =>
    schemas.length === 1 ? schema === schemas[0] : isInPath;
  // The log of change events has this name.
  const taken = new Set<string>([EVENT_LOG]);
  const names = new Map<SourceTable, string>();
  for (const isPlain of [true, false]) {
    for (const table of tables) {
      if (hasPlainName(table) !== isPlain) continue;
      const wanted = toName(isPlain ? table.name : `${table.schema}_${table.name}`);
      const name = taken.has(wanted) ? withHash(wanted, table) : wanted;
      taken.add(name);
      names.set(table, formatTableName({ name }));
    }
  }
  return tables.map((table) => ({ ...table, modelName: names.get(table)! }));
}

function toName(name: string): string {
  if (identifier.safeParse(name).success) return name;
  if (Buffer.byteLength(name) > MAX_BYTES) return cut(name, hashOf(name));
  return toIdentifier(name, 'table');
}

const MAX_BYTES = 63;

/** Two tables, `a.b_c` and `a_b.c`, want the same name. */
function withHash(name: string, { schema, name: own }: SourceTable): string {
  return cut(name, hashOf(JSON.stringify([schema, own])));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 6);
}

function cut(name: string, suffix: string): string {
  const start = [...name];
  while (Buffer.byteLength(start.join('')) + suffix.length + 1 > MAX_BYTES) start.pop();
  return `${start.join('')}_${suffix}`;
}
