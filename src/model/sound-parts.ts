/** The parts of `tables:` that are valid by themselves, where others are not. */
import { columnSchema, type TableInput, tableSchema, tablesSchema } from './schema.js';

export interface SoundParts {
  readonly tables: Record<string, TableInput>;
  /** Whether the type of a column is not known. */
  isUnsure(table: string, column: string): boolean;
}

/**
 * So that relations between sound parts are checked although others have faults: of each table the
 * columns, where one with a fault is there but of no known type, and each other key that is valid.
 *
 * @param value of `tables:`, as it was read
 */
export function soundParts(value: unknown): SoundParts {
  const unsure = new Set<string>();
  const tables: Record<string, TableInput> = {};
  const isUnsure = (table: string, column: string) => unsure.has(JSON.stringify([table, column]));
  for (const [name, table] of entriesOf(value)) {
    const columns: TableInput['columns'] = {};
    const { columns: written, ...others } = Object.fromEntries(entriesOf(table));
    for (const [column, declared] of entriesOf(written)) {
      const parsed = columnSchema.safeParse(declared);
      if (!parsed.success) unsure.add(JSON.stringify([name, column]));
      columns[column] = parsed.success ? parsed.data : withReference(declared);
    }
    const sound: Record<string, unknown> = { columns };
    for (const [key, part] of Object.entries(others)) {
      if (!Object.hasOwn(tableSchema.shape, key)) continue;
      const parsed = tableSchema.shape[key as keyof typeof tableSchema.shape].safeParse(part);
      if (parsed.success) sound[key] = parsed.data;
      // Its columns are not known, and an index may be on one of them.
      else if (key !== 'indexes' && key !== 'key') delete sound.indexes;
    }
    if (Object.keys(others).some((key) => key in tableSchema.shape && !(key in sound))) {
      delete sound.indexes;
    }
    // A table without columns has that fault already.
    if (Object.keys(columns).length > 0) tables[name] = sound as TableInput;
  }
  return { tables: tablesSchema.safeParse(tables).success ? tables : {}, isUnsure };
}

function withReference(declared: unknown): TableInput['columns'][string] {
  const references = Object.fromEntries(entriesOf(declared)).references;
  return typeof references === 'string' ? { type: 'text', references } : 'text';
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value)
    : [];
}
