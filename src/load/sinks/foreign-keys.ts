/**
 * Foreign keys checked once per distinct value of a split, right against concurrent changes: the
 * referred rows are locked as the server's own triggers lock them (FOR KEY SHARE), so that nobody can
 * delete one before the split has committed.
 */

import type pg from 'pg';
import { addReference, ReferenceValues } from '../../lanes/reference-values.js';
import type { TablePlan } from '../../mapping/table-plan.js';
import { quoteIdentifier } from '../../model/ddl.js';
import type { ForeignKey, TableInCatalog } from '../../postgres/table-in-catalog.js';

/** Distinct values held before they are looked up and forgotten. */
const MAX_VALUES = 100_000;

/** A record of the split refers to a row that is not there. */
export class MissingReference extends Error {
  override readonly name = 'MissingReference';
}

interface CollectedKey {
  readonly key: ForeignKey;
  /** Index of its column in the plan. */
  readonly column: number;
  /** Noted by both lanes. */
  readonly values: ReferenceValues;
}

export class ReferenceCollector {
  readonly #keys: readonly CollectedKey[];

  constructor(keys: readonly CollectedKey[]) {
    this.#keys = keys;
  }

  /** Where the byte lane remarks what its rows refer to, by column name. */
  get values(): ReadonlyMap<string, ReferenceValues> {
    return new Map(this.#keys.map(({ key, values }) => [key.column, values]));
  }

  /** Notes what a record refers to. @param texts by column; byte strings, known to be good values */
  add(texts: readonly (string | null)[]): void {
    for (const { column, values } of this.#keys) {
      const text = texts[column]!;
      if (text === null || (!values.isText && text === '')) continue;
      addReference(values, text);
    }
  }

  get isFull(): boolean {
    return this.#keys.some(({ values }) => values.size > MAX_VALUES);
  }

  /**
   * Locks every row referred to since the last time.
   *
   * @throws MissingReference where one is not there
   */
  async lock(client: pg.Client): Promise<void> {
    for (const { key, values: noted } of this.#keys) {
      await lockReferred(client, key, noted.take());
    }
  }
}

/**
 * Locks the rows that a column refers to.
 *
 * @param values distinct
 * @throws MissingReference where one is not there
 */
export async function lockReferred(
  client: pg.Client,
  key: ForeignKey,
  values: readonly string[],
): Promise<void> {
  if (values.length === 0) return;
  const { rowCount } = await client.query(
    `SELECT FROM ${key.referredTable}
     WHERE ${quoteIdentifier(key.referredColumn)} = ANY ($1::${key.type}[]) FOR KEY SHARE`,
    [values],
  );
  if (rowCount !== values.length) throw new MissingReference();
}

const EXACT_TYPES: ReadonlySet<string> = new Set(['smallint', 'int', 'bigint', 'text']);

/**
 * @returns undefined where a reference is not a plain field of an exact type, or a column refers to two
 *   tables; then the server's own triggers must check
 */
export function collectReferences(
  target: TableInCatalog,
  plan: TablePlan,
): ReferenceCollector | undefined {
  const keys: CollectedKey[] = [];
  for (const key of target.foreignKeys) {
    const index = plan.columns.findIndex(({ name }) => name === key.column);
    const column = plan.columns[index];
    // A column that the file does not have is NULL in every row.
    if (column === undefined) continue;
    if (column.from !== 'field' || !EXACT_TYPES.has(column.type)) return undefined;
    if (keys.some((other) => other.key.column === key.column)) return undefined;
    keys.push({
      key,
      column: index,
      values: new ReferenceValues(column.type === 'text'),
    });
  }
  return new ReferenceCollector(keys);
}
