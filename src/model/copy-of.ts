/** Columns that copy a value of the row that another column refers to, as edp.yaml declares them. */
import { z } from 'zod';
import { formatTableName, isSameTable, splitName } from './table-name.js';

/** The keys of such a column. */
export const copyShape = {
  'copy-of': z
    .string()
    .optional()
    .describe(
      'Column of another table (table.column) whose value is kept here too: that of the row that `by` refers to',
    ),
  by: z
    .string()
    .optional()
    .describe('With copy-of: the column of this table that has the key of the other one'),
};

export interface CopyInput {
  readonly 'copy-of'?: string | undefined;
  readonly by?: string | undefined;
}

/** What is known of a table. */
export interface CopiedTable {
  readonly key: readonly string[];
  /** Whether a key may have several rows, so that there is no one value to copy. */
  readonly keepsVersions: boolean;
  readonly columns: Readonly<
    Record<string, string | (CopyInput & { readonly type?: string | undefined })>
  >;
}

export interface CopiedColumn {
  /** As the model names it. */
  readonly table: string;
  readonly column: string;
}

/** @returns undefined where the text is not a table and a column */
export function toCopied(text: string, tables: Iterable<string>): CopiedColumn | undefined {
  const parts = splitName(text);
  const column = parts?.pop();
  const [first, second] = parts ?? [];
  if (parts === undefined || column === undefined || first === undefined || parts.length > 2) {
    return undefined;
  }
  const name = formatTableName(
    second === undefined ? { name: first } : { schema: first, name: second },
  );
  return { table: [...tables].find((one) => isSameTable(one, name)) ?? name, column };
}

/**
 * The type of a declared column: its own, or that of what it copies.
 *
 * @returns undefined where it has none, or where columns copy each other in a circle
 */
export function typeOfColumn(
  tables: Readonly<Record<string, CopiedTable>>,
  table: string,
  column: string,
  seen: ReadonlySet<string> = new Set(),
): string | undefined {
  const declared = columnOf(tables, table, column);
  if (declared === undefined || typeof declared === 'string') return declared;
  const place = JSON.stringify([table, column]);
  const text = declared['copy-of'];
  if (text === undefined || seen.has(place)) return declared.type;
  const copied = toCopied(text, Object.keys(tables));
  if (copied === undefined) return undefined;
  return (
    typeOfColumn(tables, copied.table, copied.column, new Set([...seen, place])) ?? declared.type
  );
}

function columnOf(
  tables: Readonly<Record<string, CopiedTable>>,
  table: string,
  column: string,
): CopiedTable['columns'][string] | undefined {
  const columns = Object.hasOwn(tables, table) ? tables[table]!.columns : {};
  return Object.hasOwn(columns, column) ? columns[column] : undefined;
}

const ELSEWHERE = [
  'field',
  'nullable',
  'references',
  'constant',
  'computed',
  'default',
  'values',
] as const;

interface Fault {
  /** Key of the column. */
  readonly name: string;
  readonly message: string;
}

/** @param declared a column of `table` */
export function findCopyFaults(
  tables: Readonly<Record<string, CopiedTable>>,
  table: string,
  column: string,
  declared: CopyInput & Readonly<Record<string, unknown>>,
): Fault[] {
  const text = declared['copy-of'];
  if (text === undefined) {
    return declared.by === undefined
      ? []
      : [{ name: 'by', message: 'only with copy-of, which says what is copied' }];
  }
  const faults: Fault[] = [];
  const note = (name: string, message: string) => faults.push({ name, message });
  const names = Object.keys(tables);
  const copied = toCopied(text, names);
  const source = copied && tables[copied.table];
  if (copied === undefined) note('copy-of', 'write table.column');
  else if (source === undefined) {
    note('copy-of', `there is no table "${copied.table}" under tables:`);
  } else if (columnOf(tables, copied.table, copied.column) === undefined) {
    note('copy-of', `"${copied.table}" declares no column "${copied.column}"`);
  } else if (typeOfColumn(tables, table, column) === undefined) {
    note('copy-of', 'the columns copy each other in a circle');
  } else if (
    declared.type !== undefined &&
    declared.type !== typeOfColumn(tables, copied.table, copied.column)
  ) {
    note(
      'copy-of',
      `"${text}" is ${typeOfColumn(tables, copied.table, copied.column)}: leave \`type\` out`,
    );
  }
  if (declared.by === undefined) {
    note('copy-of', 'needs `by`: the column of this table that has the key of the other one');
  } else faults.push(...byFaults(tables, table, declared.by, copied?.table));
  for (const name of ELSEWHERE) {
    if (declared[name] !== undefined) note(name, 'a column that copies has no value of its own');
  }
  if (tables[table]!.key.includes(column)) {
    note('copy-of', 'a column of the key cannot copy: its value may change');
  }
  return faults;
}

function byFaults(
  tables: Readonly<Record<string, CopiedTable>>,
  table: string,
  by: string,
  copied: string | undefined,
): Fault[] {
  const own = columnOf(tables, table, by);
  if (own === undefined)
    return [{ name: 'by', message: `"${by}" is not a declared column of the table` }];
  if (typeof own !== 'string' && own['copy-of'] !== undefined) {
    return [
      { name: 'by', message: `"${by}" copies itself: name a column with a value of its own` },
    ];
  }
  const source = copied === undefined ? undefined : tables[copied];
  if (source === undefined) return [];
  if (source.keepsVersions) {
    return [
      {
        name: 'copy-of',
        message: `"${copied}" keeps versions, so that a key may have several rows, and there is no one value to copy: leave \`copy-of\` out, and make a fact with a look-up \`as-of\`, or a model that joins silver`,
      },
    ];
  }
  const [key, ...others] = source.key;
  if (key === undefined || others.length > 0) {
    return [
      { name: 'by', message: `"${copied}" has no key of one column that "${by}" could have` },
    ];
  }
  const [type, keyType] = [typeOfColumn(tables, table, by), typeOfColumn(tables, copied!, key)];
  const isInteger = (one: string | undefined) => /^(smallint|int|bigint)$/.test(one ?? '');
  if (type === keyType || (isInteger(type) && isInteger(keyType))) return [];
  return [
    { name: 'by', message: `"${by}" is ${type}, the key "${key}" of "${copied}" is ${keyType}` },
  ];
}
