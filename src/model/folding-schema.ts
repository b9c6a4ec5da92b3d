/** What edp.yaml says of a table that is folded from change events. */
import { z } from 'zod';
import { isObject } from '../base/is-object.js';
import { DEFAULT_SOFT_DELETE, RESERVED_COLUMNS, RESERVED_IN_HISTORY } from './event-columns.js';
import { isJson, WHY_NO_JSON_KEY } from './json-key.js';
import type { Migration, Table } from './model.js';

const TRUE_OR_FALSE = { error: 'expected true or false' };
const PAIR = { error: 'timestamps is a list of two columns: [created_at, updated_at]' };
const MIGRATION = { error: 'a migration is {rename, default, drop}' };

const migrationSchema = z.strictObject(
  {
    rename: z
      .record(z.string(), z.string())
      .optional()
      .describe('Attributes that have another name from this version on: {old: new}'),
    default: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
      .optional()
      .describe('Attributes that are new in this version, with their values in older creates'),
    drop: z.array(z.string()).optional().describe('Attributes that this version no longer has'),
  },
  MIGRATION,
);

const WHOLE_VERSION = { error: 'a version is a whole number from 1 on' };

/** @param column schema of a column's name */
export const foldingShape = <Name extends z.ZodType<string>>(column: Name) => ({
  version: z
    .int(WHOLE_VERSION)
    .min(1, WHOLE_VERSION)
    .optional()
    .describe('Version of the schemas of its change events (default 1)'),
  'soft-delete': z
    .union([z.literal(false), column], { error: 'soft-delete is a column, or false' })
    .optional()
    .describe(
      'Realized from change events: the column with the time of the delete (default deleted_at); false: deleted rows go',
    ),
  timestamps: z
    .tuple([column, column], PAIR)
    .optional()
    .describe(
      'Realized from change events: columns with the times of the create and of the last event',
    ),
  history: z
    .boolean(TRUE_OR_FALSE)
    .optional()
    .describe('Realized from change events: whether <table>_history has each state of a row'),
  migrations: z
    .record(
      z.string().regex(/^[1-9]\d*$/, 'a migration is named by the version that it leads to'),
      migrationSchema,
    )
    .optional()
    .describe('By version: what makes an event of this version out of one of the version before'),
});

type FoldingInput = {
  readonly [K in keyof ReturnType<typeof foldingShape>]?:
    | z.output<ReturnType<typeof foldingShape>[K]>
    | undefined;
};

type Folding = Pick<Table, 'version' | 'softDelete' | 'timestamps' | 'hasHistory' | 'migrations'>;

export function toFolding(input: FoldingInput): Folding {
  const { version, 'soft-delete': softDelete, timestamps, history, migrations } = input;
  return {
    ...(version === undefined ? {} : { version }),
    ...(softDelete === undefined ? {} : { softDelete }),
    ...(timestamps === undefined ? {} : { timestamps }),
    ...(history === true ? { hasHistory: true as const } : {}),
    ...(migrations === undefined ? {} : { migrations: migrations as Record<number, Migration> }),
  };
}

interface Fault {
  readonly path: readonly string[];
  readonly message: string;
}

const SETTINGS = ['version', 'soft-delete', 'timestamps', 'history', 'migrations'] as const;

/** Whether a table is declared to be realized, whatever `capture:` has. */
export function saysOfFolding(input: FoldingInput): boolean {
  return SETTINGS.some((name) => input[name] !== undefined);
}

/** Faults of a table's own declaration. */
export function findFoldingFaults(
  input: DeclaredInput,
  key: readonly string[],
  types: ReadonlyMap<string, string>,
): Fault[] {
  const first = SETTINGS.find((name) => input[name] !== undefined);
  if (first === undefined) return [];
  const faults: Fault[] = [];
  if (key.length === 0) {
    faults.push({
      path: [first],
      message: 'change events are told apart by the key of their row: declare `key`',
    });
  }
  faults.push(...jsonKeyFaults(key, types));
  if (input.versions === true) {
    faults.push({
      path: ['versions'],
      message: `versions are for files of members; \`${first}\` is for change events, whose states \`history\` keeps`,
    });
  }
  if (input.metrics !== undefined) {
    faults.push({
      path: ['metrics'],
      message: `\`${first}\` is for change events, which name each column: a table of such has no metrics`,
    });
  }
  for (const part of ['partition-by', 'partition-range', 'key-guard'] as const) {
    if (input[part] === undefined || input[part] === false) continue;
    faults.push({
      path: [part],
      message: `\`${first}\` is for change events; a table of such has no partitions`,
    });
  }
  for (const [name, column] of Object.entries(input.columns)) {
    const made = isObject(column) ? ORIGINS.find((origin) => origin in column) : undefined;
    if (made === undefined) continue;
    faults.push({
      path: ['columns', name, made],
      message: `\`${first}\` is for change events, which bring the values of all columns: a table of such has none that is ${WHAT_IS[made]}`,
    });
  }
  const reserved = input.history === true ? RESERVED_IN_HISTORY : RESERVED_COLUMNS;
  for (const name of types.keys()) {
    if (!reserved.includes(name)) continue;
    faults.push({ path: ['columns', name], message: 'edp adds a column of this name itself' });
  }
  faults.push(...columnFaults(input, key, types), ...migrationFaults(input, new Set(types.keys())));
  return faults;
}

/** A table of change events is told apart by its key. */
export function jsonKeyFaults(key: readonly string[], types: ReadonlyMap<string, string>): Fault[] {
  return key
    .filter((name) => isJson(types.get(name) ?? ''))
    .map((name) => ({
      path: ['columns', name],
      message: `a key of change events cannot be ${types.get(name)}, ${WHY_NO_JSON_KEY}`,
    }));
}

/** What fills a column that no event fills. */
const ORIGINS = ['constant', 'computed', 'copy-of'] as const;
const WHAT_IS = { constant: 'constant', computed: 'computed', 'copy-of': 'copied' } as const;

interface DeclaredInput extends FoldingInput {
  readonly columns: Readonly<Record<string, unknown>>;
  readonly versions?: boolean | undefined;
  readonly metrics?: unknown;
  readonly 'partition-by'?: unknown;
  readonly 'partition-range'?: unknown;
  readonly 'key-guard'?: boolean | undefined;
}

/** The default counts as well: it must not be a column that the events fill with something else. */
export function softDeleteFault(
  softDelete: string | false | undefined,
  types: ReadonlyMap<string, string>,
): string | undefined {
  const column = softDelete ?? DEFAULT_SOFT_DELETE;
  const type = column === false ? undefined : types.get(column);
  if (type === undefined || isTime(type)) return undefined;
  return softDelete === undefined
    ? `the time of a delete would be in "${column}", which is declared as ${type}: name another column under soft-delete, or false`
    : notATime(softDelete as string, type);
}

function notATime(column: string, type: string): string {
  return `column "${column}" holds a time, and is declared as ${type}`;
}

function isTime(type: string): boolean {
  return type === 'timestamptz' || type === 'timestamp';
}

function columnFaults(
  { 'soft-delete': softDelete, timestamps, history }: FoldingInput,
  key: readonly string[],
  types: ReadonlyMap<string, string>,
): Fault[] {
  const faults: Fault[] = [];
  const reserved = history === true ? RESERVED_IN_HISTORY : RESERVED_COLUMNS;
  const check = (path: string[], column: string) => {
    if (reserved.includes(column)) {
      faults.push({ path, message: `edp adds a column "${column}" itself` });
    } else if (key.includes(column)) {
      faults.push({ path, message: `"${column}" is of the key, which events never change` });
    }
  };
  const deleted = softDeleteFault(softDelete, types);
  if (deleted !== undefined) {
    const path = softDelete === undefined ? ['columns', DEFAULT_SOFT_DELETE] : ['soft-delete'];
    faults.push({ path, message: deleted });
  }
  if (softDelete !== false) check(['soft-delete'], softDelete ?? DEFAULT_SOFT_DELETE);
  timestamps?.forEach((column, i) => {
    const path = ['timestamps', String(i)];
    const type = types.get(column);
    if (type !== undefined && !isTime(type)) {
      faults.push({ path, message: notATime(column, type) });
    }
    check(path, column);
    if (i === 1 && column === timestamps[0]) {
      faults.push({ path, message: `"${column}" is named twice` });
    }
    if (column === (softDelete ?? DEFAULT_SOFT_DELETE)) {
      const why = softDelete === undefined ? ', which soft-delete names by default' : '';
      faults.push({ path, message: `"${column}" is named twice${why}` });
    }
  });
  return faults;
}

/** Each name that a step leaves behind must be one of the next step, or of the table. */
function migrationFaults(
  { version = 1, migrations = {} }: FoldingInput,
  columns: ReadonlySet<string>,
): Fault[] {
  const faults: Fault[] = [];
  const steps = Object.keys(migrations).map(Number);
  for (const step of steps) {
    const path = ['migrations', String(step)];
    if (step < 2 || step > version) {
      faults.push({
        path,
        message:
          version === 1
            ? `the table is of version 1, to which no migration leads: declare \`version: ${Math.max(step, 2)}\``
            : `migrations lead to versions 2 to ${version}`,
      });
      continue;
    }
    const { rename = {}, default: defaults = {} } = migrations[step]!;
    for (const [part, name, place] of [
      ...Object.entries(rename).map(([old, name]) => ['rename', name, old] as const),
      ...Object.keys(defaults).map((name) => ['default', name, name] as const),
    ]) {
      const last = nameAfter(name, step, version, migrations);
      if (last === undefined || columns.has(last)) continue;
      faults.push({ path: [...path, part, place], message: `"${last}" is not a column` });
    }
  }
  return faults;
}

/** The name of an attribute in the last version; undefined where it is dropped. */
function nameAfter(
  name: string,
  step: number,
  version: number,
  migrations: NonNullable<FoldingInput['migrations']>,
): string | undefined {
  let last = name;
  for (let next = step + 1; next <= version; next++) {
    const { rename = {}, drop = [] } = migrations[next] ?? {};
    if (drop.includes(last)) return undefined;
    last = rename[last] ?? last;
  }
  return last;
}
