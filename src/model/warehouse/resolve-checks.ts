/** `checks:` → the checks of each table. */
import { toNotes } from '../notes.js';
import { formatTableName, splitName } from '../table-name.js';
import { CHECK_KINDS, type CheckInput } from './check-schema.js';
import { checkValues } from './check-values.js';
import { readSqlFile } from './project-sql.js';
import { checkColumns, noColumn, type Path, type Resolving } from './resolving.js';
import { toList } from './schema-parts.js';
import { checkSql } from './sql-columns.js';
import type { Check, Source } from './task.js';
import { describeSource, type KnownColumns } from './warehouse-catalog.js';

/** What a kind of check is, without what all checks have. */
type Kind = Check extends infer One
  ? One extends Check
    ? Omit<One, 'name' | 'severity' | 'where' | 'description' | 'owner' | 'tags'>
    : never
  : never;

interface Place {
  readonly resolving: Resolving;
  readonly path: Path;
  readonly owner: string;
  readonly known: KnownColumns | undefined;
}

/** The checks of one table, in their order; each that cannot be used has a fault. */
export function resolveChecks(
  resolving: Resolving,
  table: string,
  source: Source,
  inputs: readonly CheckInput[],
): Check[] {
  const names = new Set<string>();
  const known = resolving.columns.of(source);
  return inputs.flatMap((input, i) => {
    const path = ['checks', table, i];
    const place = { resolving, path, owner: describeSource(source), known };
    const kind = toKind(place, input);
    if (input.where !== undefined) {
      checkSql(resolving, input.where, [...path, 'where'], known, place.owner);
    }
    if (kind === undefined) return [];
    const name = input.name ?? defaultName(input, kind);
    if (names.has(name)) {
      const message = `two checks of ${place.owner} are called "${name}"; give one a name:`;
      resolving.add({ path, message });
    }
    names.add(name);
    return [
      {
        ...kind,
        name,
        severity: input.severity ?? 'error',
        ...(input.where === undefined ? {} : { where: input.where }),
        ...toNotes(input).notes,
      },
    ];
  });
}

function defaultName(input: CheckInput, kind: Kind): string {
  if (kind.kind === 'sql') return input.sql!;
  if (kind.kind === 'row_count') return kind.kind;
  const columns = 'columns' in kind ? kind.columns : [kind.column];
  return [kind.kind, ...columns].join('_');
}

function toKind(place: Place, input: CheckInput): Kind | undefined {
  const kind = CHECK_KINDS.find((one) => input[one] !== undefined)!;
  const { resolving, path, owner, known } = place;
  if (kind === 'unique' || kind === 'not_null') {
    checkColumns(resolving, input[kind], known, [...path, kind], owner);
    return { kind, columns: toList(input[kind]) };
  }
  if (kind === 'row_count') return { kind, ...withoutUndefined(input.row_count!) };
  if (kind === 'sql') return toSqlCheck(place, input.sql!);
  const value = input[kind]!;
  checkColumns(resolving, value.column, known, [...path, kind, 'column'], owner);
  checkValues(resolving, [...path, kind], known?.get(value.column), value);
  if ('to' in value) return toRelationship(place, value.column, value.to);
  return { kind, ...withoutUndefined(value) } as Kind;
}

function withoutUndefined<T extends object>(
  value: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function toSqlCheck({ resolving, path }: Place, name: string): Kind | undefined {
  const reading = readSqlFile(resolving, 'checks', name, [...path, 'sql']);
  if (reading === undefined) return undefined;
  const { file, sql, sources } = reading;
  return { kind: 'sql', file, sql, sources };
}

function toRelationship({ resolving, path }: Place, column: string, to: string): Kind | undefined {
  const at = [...path, 'relationships', 'to'];
  const parts = splitName(to);
  // Two parts may be a table of bronze and its column, or a table alone.
  const alone = parts?.length === 2 ? resolving.catalog.find(to) : undefined;
  const isTableAlone = typeof alone === 'object' && alone.task !== undefined;
  if (parts === undefined || parts.length < 2 || parts.length > 3 || isTableAlone) {
    const written = isTableAlone ? `${to}.${column}` : 'silver.groups.group_id';
    const message = `"${to}" is no column of a table; write it as ${written}`;
    resolving.add({ path: at, message });
    return undefined;
  }
  const toColumn = parts.at(-1)!;
  const [first, second] = parts.slice(0, -1) as [string, string?];
  const text = formatTableName(
    second === undefined ? { name: first } : { schema: first, name: second },
  );
  const source = resolving.catalog.find(text);
  if (typeof source === 'string') {
    resolving.add({ path: at, message: source });
    return undefined;
  }
  const known = resolving.columns.of(source);
  if (known?.has(toColumn) === false) {
    resolving.add({ path: at, message: noColumn(toColumn, known, describeSource(source)) });
  }
  const task = source.task === undefined ? {} : { task: source.task };
  return {
    kind: 'relationships',
    column,
    to: { ...source.relation, column: toColumn, ...task },
  };
}
