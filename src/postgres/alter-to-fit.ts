/** The statement that makes a table as its model says, for whoever has changed the model. */
import { quoteColumns, quoteIdentifier } from '../model/ddl.js';
import { physicalKey } from '../model/kept-versions.js';
import { physicalColumns, type Table } from '../model/model.js';
import { SQL_TYPE } from '../model/types.js';

/** Where a table differs from its model in what a statement can change. */
export interface Differences {
  readonly missing: readonly string[];
  readonly otherType: readonly string[];
  /** Columns beside those of the model that are NOT NULL and have no default. */
  readonly required: readonly string[];
  readonly lacksKey: boolean;
}

/**
 * @param name of the table, quoted where SQL needs it
 * @returns undefined where no statement helps
 */
export function alterToFit(
  table: Table,
  name: string,
  { missing, otherType, required, lacksKey }: Differences,
): string | undefined {
  const physical = physicalColumns(table);
  const typeOf = new Map(physical.map((one) => [one.name, SQL_TYPE[one.type]]));
  const defaultOf = (column: string) => {
    const value = physical.find(({ name: one }) => one === column)?.default;
    return value === undefined ? '' : ` NOT NULL DEFAULT ${value}`;
  };
  const actions = [
    ...missing.map(
      (column) => `ADD COLUMN ${quoteIdentifier(column)} ${typeOf.get(column)}${defaultOf(column)}`,
    ),
    ...otherType.map((column) => {
      const quoted = quoteIdentifier(column);
      const type = typeOf.get(column);
      return `ALTER COLUMN ${quoted} TYPE ${type} USING ${quoted}::${type}`;
    }),
    ...required.map((column) => `ALTER COLUMN ${quoteIdentifier(column)} DROP NOT NULL`),
    ...(lacksKey ? [`ADD PRIMARY KEY (${quoteColumns(physicalKey(table))})`] : []),
  ];
  return actions.length === 0 ? undefined : `ALTER TABLE ${name} ${actions.join(', ')};`;
}
