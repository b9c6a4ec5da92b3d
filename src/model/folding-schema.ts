/** What edp.yaml says of a table that is folded from change events. */
import { z } from 'zod';
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

/** Columns that realized tables and their histories have besides those of the model. */
export const REALIZED_COLUMNS = ['change_sequence', 'valid_from', 'valid_to', 'is_current'];

/** Faults of a table's own declaration. */
export function findFoldingFaults(
  input: FoldingInput & { readonly versions?: boolean | undefined; readonly metrics?: unknown },
  key: readonly string[],
  types: ReadonlyMap<string, string>,
): Fault[] {
  const names = ['version', 'soft-delete', 'timestamps', 'history', 'migrations'] as const;
  const declared = names.filter((name) => input[name] !== undefined);
  const [first] = declared;
  if (first === undefined) return [];
  const faults: Fault[] = [];
  if (key.length === 0) {
    faults.push({
      path: [first],
      message: 'change events are told apart by the key of their row: declare `key`',
    });
  }
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
  for (const name of types.keys()) {
    if (!REALIZED_COLUMNS.includes(name)) continue;
    if (name !== 'change_sequence' && input.history !== true) continue;
    faults.push({ path: ['columns', name], message: 'edp adds a column of this name itself' });
  }
  faults.push(...columnFaults(input, types), ...migrationFaults(input, new Set(types.keys())));
  return faults;
}

function columnFaults(
  { 'soft-delete': softDelete, timestamps }: FoldingInput,
  types: ReadonlyMap<string, string>,
): Fault[] {
  const faults: Fault[] = [];
  const check = (path: string[], column: string) => {
    const type = types.get(column) ?? 'timestamptz';
    if (type === 'timestamptz' || type === 'timestamp') return;
    faults.push({ path, message: `column "${column}" holds a time, and is declared as ${type}` });
  };
  if (typeof softDelete === 'string') check(['soft-delete'], softDelete);
  timestamps?.forEach((column, i) => {
    check(['timestamps', String(i)], column);
    if (column === softDelete || (i === 1 && column === timestamps[0])) {
      faults.push({ path: ['timestamps', String(i)], message: `"${column}" is named twice` });
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
