/** What all generators read: the tables of the model that change events can be about. Plain data. */
import { type EventTable, toEventTable } from '../events/event-table.js';
import type { Capture } from '../model/capture.js';
import type { Model, Table } from '../model/model.js';
import { isRealizable, whyNotRealizable } from '../model/realized-model.js';
import { isSameTable } from '../model/table-name.js';

export interface Catalogue {
  readonly tables: readonly EventTable[];
  /** The other tables of the model, with the reason. */
  readonly others: readonly { readonly table: string; readonly why: string }[];
}

export function toCatalogue({ tables }: Model, capture?: Capture): Catalogue {
  return {
    tables: tables
      .filter(isRealizable)
      .map((table) => toEventTable(table, findCalculated(table, capture))),
    others: tables.flatMap((table) => {
      const why = whyNotRealizable(table);
      return why === undefined ? [] : [{ table: table.name, why }];
    }),
  };
}

function findCalculated({ name }: Table, capture: Capture | undefined) {
  const captured = capture?.tables.find(({ table }) => isSameTable(table, name));
  if (captured === undefined) return undefined;
  return Object.entries(captured.columns).flatMap(([column, { kind }]) =>
    kind === 'calculation' ? [column] : [],
  );
}
