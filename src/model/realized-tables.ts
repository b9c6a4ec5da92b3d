/**
 * The tables that events of a declaration are folded into, as the database has them: `edp realize` makes these, and the
 * DDL that `edp codegen` writes is theirs.
 */
import {
  type FoldedShape,
  historyColumns,
  type RealizedColumn,
  realizedColumns,
} from './event-columns.js';
import type { Notes, Table } from './model.js';
import { historyName } from './realized-model.js';
import { VALID_FROM } from './validity-columns.js';

/** A table of the model, or what generators know of one. */
export interface RealizedDeclaration extends FoldedShape, Pick<Table, 'name' | 'key' | 'indexes'> {
  readonly columns: readonly (RealizedColumn & { readonly notes?: Notes })[];
  readonly notes?: Notes;
  readonly hasHistory?: boolean;
}

export interface RealizedTables {
  readonly target: Table;
  /** Undefined where it has none. */
  readonly history: Table | undefined;
}

export function realizedTables(declared: RealizedDeclaration): RealizedTables {
  const { name, key, indexes } = declared;
  const target = { ...toTable(declared, name, realizedColumns(declared), key), indexes };
  if (declared.hasHistory !== true) return { target, history: undefined };
  const ofState = [...key, VALID_FROM];
  return {
    target,
    history: toTable(declared, historyName(name), historyColumns(declared), ofState),
  };
}

/** Only the key is enforced: events of different keys come in any order. */
function toTable(
  declared: RealizedDeclaration,
  name: string,
  columns: readonly RealizedColumn[],
  key: readonly string[],
): Table {
  const notes = new Map(declared.columns.map((column) => [column.name, column.notes]));
  return {
    name,
    ...withNotes(declared.notes),
    columns: columns.map((column) => ({
      ...column,
      field: column.name,
      isNullable: true,
      ...withNotes(notes.get(column.name)),
    })),
    key,
    indexes: [],
    sources: [],
    files: [],
    ignoredFields: [],
  };
}

function withNotes(notes: Notes | undefined): { readonly notes?: Notes } {
  return notes === undefined ? {} : { notes };
}
