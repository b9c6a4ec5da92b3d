/** Which references of a source the model can have, circles apart: it has none to several columns, or to other columns than a key. */
import type { ColumnType } from '../model/types.js';

export interface ReferredTable {
  readonly name: string;
  readonly key: readonly string[];
  /** Of the key, where it is a single column. */
  readonly keyType: ColumnType | undefined;
}

const INTEGERS: readonly ColumnType[] = ['smallint', 'int', 'bigint'];

/**
 * Why the model cannot have a reference of a single column, apart from circles.
 *
 * @param target undefined for a table that is not there
 * @param column that it refers to
 */
export function whyNoReference(
  type: ColumnType,
  target: ReferredTable | undefined,
  column: string,
): string | undefined {
  if (target === undefined) return 'which is not imported';
  if (target.key.length !== 1 || target.key[0] !== column) return 'which is not its key';
  const { keyType } = target;
  const isSameKind =
    type === keyType ||
    (keyType !== undefined && INTEGERS.includes(type) && INTEGERS.includes(keyType));
  return isSameKind ? undefined : `which is ${keyType}`;
}
