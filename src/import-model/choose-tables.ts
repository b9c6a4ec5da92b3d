/** The tables of a source that a user means, and what the model calls them. */
import { createHash } from 'node:crypto';
import picomatch from 'picomatch';
import { EdpError } from '../base/errors.js';
import { listNames, nearest, suggest } from '../base/nearest.js';
import { EVENT_LOG } from '../events/event-log.js';
import { toIdentifier } from '../infer/inferred-names.js';
import { identifier } from '../model/schema.js';
import { formatTableName } from '../model/table-name.js';
import type { CapturedNames } from './find-captured.js';
import type { SourceTable } from './read-source-tables.js';

export interface NamedTable extends SourceTable {
  /** In the model, as edp.yaml writes it: of a captured table, the first that it feeds. */
  readonly modelName: string;
  /** Tables of the model that capture it already. */
  readonly capturedAs: readonly string[];
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
    const isMeant = picomatch(pattern, AS_DOCUMENTED);
    const fits = (name: string) => name === pattern || isMeant(name);
    const found = ofSchemas.filter(({ schema, name }) => fits(name) || fits(`${schema}.${name}`));
    if (found.length === 0) throw unknownTable(pattern, ofSchemas);
    for (const table of found) chosen.add(table);
  }
  return ofSchemas.filter((table) => chosen.has(table));
}

/** `*` stands for any characters, points and slashes among them, and `!` for itself. */
const AS_DOCUMENTED = { dot: true, bash: true, nonegate: true } as const;

function unknown(what: string, name: string, known: readonly string[]): EdpError {
  return new EdpError('unknown_table', `the source has no ${what}`, {
    hint: suggest(name, known, `the schemas are ${listNames(known)}`),
  });
}

/** @param tables those of the schemas that were asked for */
function unknownTable(pattern: string, tables: readonly NamedTable[]): EdpError {
  const near = nearTables(pattern, tables);
  const rule =
    'a table is named name or schema.name, and * stands for any characters; partitions and views are not imported';
  return new EdpError('unknown_table', `the source has no table ${JSON.stringify(pattern)}`, {
    hint: near.length === 0 ? rule : `did you mean ${near.join(', ')}? ${rule}`,
  });
}

/** More of them would hide the sentence around them. */
const MOST_NEAR = 5;

/** Names that a pattern may mean: with another case, or with letters that are not quite those of its words. */
function nearTables(pattern: string, tables: readonly NamedTable[]): string[] {
  const shown = (name: string, { schema, name: own }: NamedTable) =>
    name.includes('.') ? `${schema}.${own}` : own;
  const isNearly = picomatch(pattern, { ...AS_DOCUMENTED, nocase: true });
  const alike = tables.filter(
    ({ schema, name }) => isNearly(name) || isNearly(`${schema}.${name}`),
  );
  const names = new Set(alike.map((table) => shown(pattern, table)));
  if (names.size > 0) return [...names].slice(0, MOST_NEAR);
  const whole = nearest(
    pattern,
    tables.map((table) => shown(pattern, table)),
  );
  if (whole !== undefined) return [whole];
  // `sale.*` of a schema `sales`, `ordr*` of a table `orders`.
  const [first = '', ...rest] = pattern.split('.');
  const schema = nearest(
    first,
    tables.map((table) => table.schema),
  );
  if (rest.length > 0 && schema !== undefined && schema !== first) {
    return [[schema, ...rest].join('.')];
  }
  const letters = (rest.at(-1) ?? first).replace(/[*?{}[\]()!,]+/g, '');
  const ofSchema = rest.length === 0 ? tables : tables.filter((table) => table.schema === first);
  const near = nearest(
    letters,
    ofSchema.map(({ name }) => name),
  );
  const found = ofSchema.find(({ name }) => name === near);
  return found === undefined ? [] : [shown(pattern, found)];
}

/**
 * A table keeps its name where the search path finds it, or where the user asks for its schema alone. Any other one
 * has its schema before its name, so that it does not depend on which tables are imported: `sales_orders`. So has one
 * whose own name is that of a table which captures another one.
 */
export function nameTables(
  tables: readonly SourceTable[],
  schemas: readonly string[],
  captured: CapturedNames = new Map(),
): NamedTable[] {
  const hasPlainName = ({ schema, isInPath }: SourceTable) =>
    schemas.length === 1 ? schema === schemas[0] : isInPath;
  // The log of change events has this name.
  const ofOthers = new Set([...captured.values()].flat());
  const taken = new Set<string>([EVENT_LOG, ...ofOthers]);
  const names = new Map<SourceTable, string>();
  for (const isPlain of [true, false]) {
    for (const table of tables) {
      if (hasPlainName(table) !== isPlain || captured.has(table.oid)) continue;
      const own = toName(table.name);
      const isOwn = isPlain && !ofOthers.has(format(own));
      const wanted = isOwn ? own : toName(`${table.schema}_${table.name}`);
      const name = format(taken.has(format(wanted)) ? withHash(wanted, table) : wanted);
      taken.add(name);
      names.set(table, name);
    }
  }
  return tables.map((table) => {
    const capturedAs = captured.get(table.oid) ?? [];
    return { ...table, modelName: capturedAs[0] ?? names.get(table)!, capturedAs };
  });
}

const format = (name: string) => formatTableName({ name });

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
