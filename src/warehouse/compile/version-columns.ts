/** The columns of versions: how long each is valid, and which is that of now. */
import { IS_CURRENT, VALID_FROM, VALID_TO } from '../../model/warehouse/versions.js';
import { column, type Expr, type Output } from '../../relational/tree.js';

/**
 * A version is valid until the next one of the same key.
 *
 * @param of name of rows with {@link VALID_FROM}, no two with the same
 */
export function validity(key: readonly string[], of: string): Output[] {
  const next: Expr = {
    kind: 'window',
    name: 'lead',
    of: column(VALID_FROM, of),
    partitionBy: key.map((name) => column(name, of)),
    orderBy: [{ of: column(VALID_FROM, of) }],
  };
  return [
    { of: next, as: VALID_TO },
    { of: { kind: 'is-null', of: next }, as: IS_CURRENT },
  ];
}
