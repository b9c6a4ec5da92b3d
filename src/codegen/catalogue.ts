/** What all generators read: the tables of the model that change events can be about. Plain data. */
import { type EventTable, toEventTable } from '../events/event-table.js';
import type { Capture } from '../model/capture.js';
import type { Model, Table } from '../model/model.js';
import { isSameTable } from '../model/table-name.js';

export interface Catalogue {
  readonly tables: readonly EventTable[];
  /** The other tables of the model, with the reason. */
  readonly others: readonly { readonly table: string; readonly why: string }[];
}

export function toCatalogue({ tables }: Model, capture?: Capture): Catalogue {
  return {
    tables: tables
      .filter((table) => whyNot(table) === undefined)
      .map((table) => toEventTable(table, findCalculated(table, capture))),
    others: tables.flatMap((table) => {
      const why = whyNot(table);
      return why === undefined ? [] : [{ table: table.name, why }];
    }),
  };
}

function whyNot({ key, hasVersions, sources }: Table): string | undefined {
  if (key.length === 0) return 'it has no key';
  if (hasVersions === true) return 'it keeps versions of files';
  return sources.length > 0 ? 'it takes metrics out of JSON' : undefined;
}

function findCalculated({ name }: Table, capture: Capture | undefined) {
  const captured = capture?.tables.find(({ table }) => isSameTable(table, name));
  if (captured === undefined) return undefined;
  return Object.entries(captured.columns).flatMap(([column, { kind }]) =>
    kind === 'calculation' ? [column] : [],
  );
}
