/** Which references of a source the model can have: it has none to several columns, to other columns than a key, or in a circle. */
import type { ColumnType } from '../model/types.js';

export interface ReferredTable {
  readonly name: string;
  readonly key: readonly string[];
  /** Of the key, where it is a single column. */
  readonly keyType: ColumnType | undefined;
}

const INTEGERS: readonly ColumnType[] = ['smallint', 'int', 'bigint'];

export class ReferenceGraph {
  readonly #tables = new Map<string, ReferredTable>();
  readonly #targets = new Map<string, Set<string>>();

  addTable(table: ReferredTable): void {
    this.#tables.set(table.name, table);
  }

  /** A reference that is there already. */
  addReference(from: string, to: string): void {
    const targets = this.#targets.get(from);
    if (targets === undefined) this.#targets.set(from, new Set([to]));
    else targets.add(to);
  }

  /**
   * Adds a reference of a single column, if the model can have it.
   *
   * @param to undefined for a table that is not there
   * @returns why not
   */
  tryReference(
    from: string,
    type: ColumnType,
    to: string | undefined,
    column: string,
  ): string | undefined {
    const target = to === undefined ? undefined : this.#tables.get(to);
    if (target === undefined) return 'which is not imported';
    if (target.key.length !== 1 || target.key[0] !== column) return 'which is not its key';
    const { name, keyType } = target;
    const isSameKind =
      type === keyType ||
      (keyType !== undefined && INTEGERS.includes(type) && INTEGERS.includes(keyType));
    if (!isSameKind) return `which is ${keyType}`;
    if (name !== from && this.#leadsTo(name, from)) return 'which refers to this table, too';
    if (name !== from) this.addReference(from, name);
    return undefined;
  }

  #leadsTo(from: string, to: string): boolean {
    const seen = new Set([from]);
    for (const name of seen) {
      if (name === to) return true;
      for (const target of this.#targets.get(name) ?? []) seen.add(target);
    }
    return false;
  }
}
