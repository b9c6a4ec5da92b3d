/**
 * Foreign keys checked once per distinct value of a split, right against concurrent changes: the
 * referred rows are locked as the server's own triggers lock them (FOR KEY SHARE), so that nobody can
 * delete one before the split has committed.
 */
import type pg from 'pg';
import { quoteIdentifier } from '../../model/ddl.js';
import { ReferenceValues } from '../lanes/reference-values.js';
import type { TablePlan } from '../plan/table-plan.js';
import { Fault } from '../reject.js';
import { coerceBigint, decodeBytes } from '../transform/coerce.js';
import type { CopyTarget, ForeignKey } from './target.js';

/** Distinct values held before they are looked up and forgotten. */
const MAX_VALUES = 100_000;

/** A record of the split refers to a row that is not there. */
export class MissingReference extends Error {
  override readonly name = 'MissingReference';
}

interface CollectedKey {
  readonly key: ForeignKey;
  readonly field: number;
  /** For integers; noted by both lanes. */
  readonly integers: ReferenceValues | undefined;
  readonly texts: Set<string>;
}

export class ReferenceCollector {
  readonly #keys: readonly CollectedKey[];

  constructor(keys: readonly CollectedKey[]) {
    this.#keys = keys;
  }

  /** Where the byte lane notes what its rows refer to, by column name. */
  get integers(): ReadonlyMap<string, ReferenceValues> {
    return new Map(
      this.#keys.flatMap(({ key, integers }) =>
        integers === undefined ? [] : [[key.column, integers] as const],
      ),
    );
  }

  /** Whether a reference is no integer: then the byte lane cannot note it. */
  get hasTexts(): boolean {
    return this.#keys.some(({ integers }) => integers === undefined);
  }

  /** Notes what a record refers to. @param fields byte strings, known to be good values */
  add(fields: readonly (string | null)[]): void {
    for (const { field, integers, texts } of this.#keys) {
      const text = fields[field]!;
      if (text === null || (integers !== undefined && text === '')) continue;
      texts.add(integers === undefined ? decodeBytes(text) : canonicalInteger(text));
    }
  }

  get isFull(): boolean {
    return this.#keys.some(
      ({ integers, texts }) => texts.size + (integers?.others.size ?? 0) > MAX_VALUES,
    );
  }

  /**
   * Locks every row referred to since the last time.
   *
   * @throws MissingReference where one is not there
   */
  async lock(client: pg.Client): Promise<void> {
    for (const { key, integers, texts } of this.#keys) {
      const values = new Set(texts);
      texts.clear();
      for (const integer of integers?.take() ?? []) values.add(String(integer));
      if (values.size === 0) continue;
      const { rowCount } = await client.query(
        `SELECT FROM ${key.referredTable}
         WHERE ${quoteIdentifier(key.referredColumn)} = ANY ($1::${key.type}[]) FOR KEY SHARE`,
        [[...values]],
      );
      if (rowCount !== values.size) throw new MissingReference();
    }
  }
}

/** `+7`, `007` and `7.0` refer to the same row. */
function canonicalInteger(text: string): string {
  const value = coerceBigint(text);
  return value instanceof Fault ? text : value.toString();
}

const INTEGER_TYPES: ReadonlySet<string> = new Set(['smallint', 'int', 'bigint']);
const EXACT_TYPES: ReadonlySet<string> = new Set([...INTEGER_TYPES, 'text']);

/**
 * @returns undefined where a reference is not a plain field of an exact type; then the server's own
 *   triggers must check
 */
export function collectReferences(
  target: CopyTarget,
  plan: TablePlan,
): ReferenceCollector | undefined {
  const keys: CollectedKey[] = [];
  for (const key of target.foreignKeys) {
    const column = plan.columns.find(({ name }) => name === key.column);
    // A column that the file does not have is NULL in every row.
    if (column === undefined) continue;
    if (column.from !== 'field' || !EXACT_TYPES.has(column.type)) return undefined;
    keys.push({
      key,
      field: column.field,
      integers: INTEGER_TYPES.has(column.type) ? new ReferenceValues() : undefined,
      texts: new Set(),
    });
  }
  return new ReferenceCollector(keys);
}
