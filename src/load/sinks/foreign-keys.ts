/**
 * Checks foreign keys once per distinct value of a split. The check is safe against concurrent
 * changes: it locks the referred rows as the server's own triggers do (FOR KEY SHARE), so that no
 * one can delete one before the split has committed.
 */

import type pg from 'pg';
import { addReference, ReferenceValues } from '../../lanes/reference-values.js';
import type { TablePlan } from '../../mapping/table-plan.js';
import { matches, matchesAny } from '../../postgres/column-pair.js';
import type { ForeignKey } from '../../postgres/foreign-keys-in-catalog.js';
import type { TableInCatalog } from '../../postgres/table-in-catalog.js';

/** Distinct values that are collected before they are checked and dropped. */
const MAX_VALUES = 100_000;

/** A record of the split refers to a row that does not exist. */
export class MissingReference extends Error {
  override readonly name = 'MissingReference';
}

interface CollectedKey {
  readonly key: ForeignKey;
  /** Index of its column in the plan. */
  readonly column: number;
  /** Collected by both lanes. */
  readonly values: ReferenceValues;
}

export class ReferenceCollector {
  readonly #keys: readonly CollectedKey[];

  constructor(keys: readonly CollectedKey[]) {
    this.#keys = keys;
  }

  /** Collects the referred values of the byte lane, by column name. */
  get values(): ReadonlyMap<string, ReferenceValues> {
    return new Map(this.#keys.map(({ key, values }) => [key.column, values]));
  }

  /**
   * Collects the referred values of a record. @param texts by column; byte strings, already
   * validated
   */
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
   * Locks every row that was referred to since the last call.
   *
   * @throws MissingReference if one does not exist
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
 * @throws MissingReference if one does not exist
 */
export async function lockReferred(
  client: pg.Client,
  key: ForeignKey,
  values: readonly string[],
): Promise<void> {
  if (values.length === 0) return;
  const array = `$1::${key.type}[]`;
  const { rowCount } = await client.query(
    `SELECT FROM ${key.referredRows} d WHERE ${matchesAny(key.pair, 'd', array)} FOR KEY SHARE`,
    [values],
  );
  if (rowCount === values.length) return;
  // Two values may refer to one row, where a collation calls them equal.
  const { rowCount: matched } = await client.query(
    `SELECT FROM unnest(${array}) AS v (value)
     JOIN ${key.referredRows} d ON ${matches(key.pair, 'd', 'v.value')} FOR KEY SHARE OF d`,
    [values],
  );
  if (matched !== values.length) throw new MissingReference();
}

const EXACT_TYPES: ReadonlySet<string> = new Set(['smallint', 'int', 'bigint', 'text']);

/**
 * @returns undefined if a reference is not a plain field of an exact type, or a column refers to
 *   two tables; then the server's own triggers must check
 */
export function collectReferences(
  target: Pick<TableInCatalog, 'foreignKeys' | 'others'>,
  plan: TablePlan,
): ReferenceCollector | undefined {
  const keys: CollectedKey[] = [];
  for (const key of target.foreignKeys) {
    const index = plan.columns.findIndex(({ name }) => name === key.column);
    const column = plan.columns[index];
    // Without a field in the file it is NULL in every row, or the server checks its default.
    if (column === undefined) continue;
    if (column.from !== 'field' || !EXACT_TYPES.has(column.type)) return undefined;
    if (target.others.has(column.name)) return undefined;
    if (keys.some((other) => other.key.column === key.column)) return undefined;
    keys.push({
      key,
      column: index,
      values: new ReferenceValues(column.type === 'text'),
    });
  }
  return new ReferenceCollector(keys);
}
