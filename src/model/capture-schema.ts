/** The section `capture` of edp.yaml, as zod schemas, and the way from there to a {@link Capture}. */
import { z } from 'zod';
import { EdpError } from '../base/errors.js';
import type { Capture, CapturedColumn, CapturedTable } from './capture.js';
import { jsonKeyFaults, saysOfFolding, softDeleteFault } from './folding-schema.js';
import { columnName, type TableInput, tableName } from './schema.js';
import { plainTableName } from './table-name.js';

const DEFAULT_CAP_MB = 4096;

const sqlText = z.string().regex(/\S/, { error: () => 'the SQL is empty' });

const otherForm = z.strictObject({
  sql: sqlText.optional().describe('SQL of the value, over the columns of the source row'),
  from: columnName.optional().describe('Column of the source that refers to another table'),
  reference: tableName
    .optional()
    .describe('Table of the model that it refers to, whose key is published'),
  calculation: sqlText
    .optional()
    .describe('SQL that is evaluated at the end of each transaction that touches the row'),
  'also-on': z
    .record(tableName, columnName)
    .optional()
    .describe(
      'Other tables of the source whose rows it depends on: table → column that refers to this one',
    ),
  method: z
    .string()
    .regex(/^[\p{L}_][\p{L}\p{N}_]*[?!]?$/u, { error: () => 'the name of a Ruby method' })
    .optional()
    .describe(
      'Method of an ActiveRecord class: the application publishes it, by the mapping of edp codegen activerecord',
    ),
});

const FORMS =
  'a column is the name of one in the source, {sql}, {from, reference}, {calculation, also-on} or {method, also-on}';

const capturedColumn = z.union([columnName, otherForm], { error: () => FORMS });

const capturedTable = z.strictObject({
  from: tableName.optional().describe('Table of the source (default: of the same name)'),
  columns: z
    .record(columnName, capturedColumn)
    .optional()
    .describe('Attribute → what fills it (default: the column of the same name)'),
  where: sqlText.optional().describe('SQL over the source row: rows without it are not captured'),
});

const captureSource = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]+$/, { error: () => 'a name of letters, digits, -, _ and .' })
    .describe('Name of the source in events: edp:<name>'),
  'database-url': z
    .string()
    .min(1, { error: () => 'the URL is empty' })
    .describe('The source database; best a variable of the environment'),
});

const captureObject = z.strictObject({
  source: captureSource.describe('The production database'),
  method: z
    .literal('outbox', {
      error: ({ input }) =>
        input === 'wal'
          ? 'capture from the WAL is not in this version of edp yet; write outbox'
          : 'expected outbox',
    })
    .optional()
    .describe(
      'How changes are captured. outbox (the default, and the only one of this version): triggers write each change into tables of schema edp_capture in the source, in its transaction, and edp capture run sends them',
    ),
  strict: z
    .boolean({ error: 'expected true or false' })
    .optional()
    .describe('Whether a calculation that fails makes the transaction of the writer fail'),
  'outbox-cap-mb': z
    .int({ error: 'expected a whole number of megabytes' })
    .min(1)
    .optional()
    .describe(`Size of the outbox from which edp capture reports it (default ${DEFAULT_CAP_MB})`),
  tables: z
    .record(tableName, capturedTable)
    .describe('Table of the model → where its rows come from'),
});

type CaptureInput = z.output<typeof captureObject>;

export type { CaptureInput };

/** Made where a project has one. */
export const captureSection = () => captureObject;

/** The keys that an object of the section may have, by its path from the root. */
export function captureKeys(path: readonly PropertyKey[]): readonly string[] {
  const [, part, , inside, attribute] = path;
  if (part === undefined) return Object.keys(captureObject.shape);
  if (part === 'source') return Object.keys(captureSource.shape);
  if (inside === undefined) return Object.keys(capturedTable.shape);
  return attribute === undefined ? [] : Object.keys(otherForm.shape);
}

/** @returns what to say of a key that stands too deep: those of the whole section say something of all tables */
export function displacedKeyFault(key: string, path: readonly PropertyKey[]): string | undefined {
  if (path[0] !== 'capture' || path.length < 2 || key === 'tables' || key === 'source')
    return undefined;
  return Object.hasOwn(captureObject.shape, key)
    ? `"${key}" is not known here: it stands directly below capture:, and is for all of its tables`
    : undefined;
}

export interface CaptureFault {
  /** Inside `capture`. */
  readonly path: readonly string[];
  readonly message: string;
}

/** What the section means beside `tables:`. */
export function findCaptureFaults(
  { tables }: CaptureInput,
  model: Readonly<Record<string, TableInput>>,
): CaptureFault[] {
  const faults: CaptureFault[] = [];
  const spelled = new Map(Object.keys(model).map((table) => [plainTableName(table), table]));
  const captured = new Set(Object.keys(tables).map(plainTableName));
  for (const [name, { columns = {} }] of Object.entries(tables)) {
    const add = (path: readonly string[], message: string) =>
      faults.push({ path: ['tables', name, ...path], message });
    const declared = spelled.get(plainTableName(name));
    if (declared === undefined) {
      add([], 'tables: declares no table of this name');
      continue;
    }
    const table = model[declared]!;
    if (table.key === undefined || table.key.length === 0) {
      add([], 'a captured table needs a key; name its columns under key: of tables:');
    }
    const types = new Map(
      Object.entries(table.columns).map(([column, details]) => [
        column,
        typeof details === 'string' ? details : (details.type ?? 'text'),
      ]),
    );
    const deleted = softDeleteFault(table['soft-delete'], types);
    // Of a table that says something of change events itself, tables: has the fault.
    if (!saysOfFolding(table)) {
      if (deleted !== undefined) add([], deleted);
      for (const { message } of jsonKeyFaults([table.key ?? []].flat(), types)) add([], message);
    }
    for (const [attribute, form] of Object.entries(columns)) {
      const fault = faultOfForm(form, captured);
      if (!Object.hasOwn(table.columns, attribute)) {
        add(['columns', attribute], `tables: declares no column "${attribute}" of ${name}`);
      } else if (fault !== undefined) add(['columns', attribute], fault);
      const isKey = [table.key ?? []].flat().includes(attribute);
      if (isKey && typeof form === 'object') {
        if (form.calculation !== undefined) {
          add(['columns', attribute], 'a column of the key cannot be calculated');
        } else if (form.method !== undefined) {
          add(
            ['columns', attribute],
            'a Ruby method cannot be captured by SQL, and so cannot fill a column of the key',
          );
        }
      }
    }
  }
  return faults;
}

function faultOfForm(
  form: z.output<typeof capturedColumn>,
  captured: ReadonlySet<string>,
): string | undefined {
  if (typeof form === 'string') return undefined;
  const { sql, from, reference, calculation, method } = form;
  const kinds = [sql, reference ?? from, calculation, method].filter((one) => one !== undefined);
  if (kinds.length !== 1) return FORMS;
  if ((from === undefined) !== (reference === undefined)) {
    return 'from: and reference: stand together';
  }
  if (form['also-on'] !== undefined && calculation === undefined && method === undefined) {
    return 'also-on: is for a calculation, or a method';
  }
  if (reference !== undefined && !captured.has(plainTableName(reference))) {
    return `reference: ${reference} is not captured, so its key is not known`;
  }
  return undefined;
}

/**
 * @param placeOf where a path inside `capture` is declared
 * @param lacks why the address of the source cannot be used
 */
export function toCapture(
  input: CaptureInput,
  placeOf: (path: readonly string[]) => string,
  lacks: readonly string[] = [],
): Capture {
  return {
    name: input.source.name,
    sourceUrl: () => {
      if (lacks.length === 0) return input.source['database-url'];
      const place = placeOf(['source', 'database-url']);
      throw new EdpError('config', `${place}: capture.source.database-url: ${lacks.join('; ')}`, {
        hint: 'the address of the source is read by edp capture and edp model import alone; other commands do without it',
      });
    },
    isStrict: input.strict === true,
    outboxCapMb: input['outbox-cap-mb'] ?? DEFAULT_CAP_MB,
    tables: Object.entries(input.tables).map(
      ([table, { from = table, columns = {}, where }]): CapturedTable => ({
        table,
        from,
        columns: Object.fromEntries(
          Object.entries(columns).map(([name, form]) => [name, toColumn(form)]),
        ),
        ...(where === undefined ? {} : { where }),
        // Only messages have places: to find them, a large edp.yaml must be read once more.
        get place() {
          return placeOf(['tables', table]);
        },
        get places() {
          return Object.fromEntries(
            Object.keys(columns).map((name) => [name, placeOf(['tables', table, 'columns', name])]),
          );
        },
      }),
    ),
  };
}

function toColumn(form: z.output<typeof capturedColumn>): CapturedColumn {
  if (typeof form === 'string') return { kind: 'column', column: form };
  const { sql, from, reference, calculation, method } = form;
  if (sql !== undefined) return { kind: 'sql', sql };
  if (calculation !== undefined) {
    return { kind: 'calculation', sql: calculation, alsoOn: form['also-on'] ?? {} };
  }
  if (method !== undefined) return { kind: 'method', method, alsoOn: form['also-on'] ?? {} };
  return { kind: 'reference', column: from!, table: reference! };
}
