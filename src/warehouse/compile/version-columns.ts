/** The columns of versions: how long each is valid, and which is that of now. */
import { IS_CURRENT, PREVIOUS_TO, VALID_FROM, VALID_TO } from '../../model/warehouse/versions.js';
import { column, type Expr, type Output, type Select } from '../../relational/tree.js';

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
  return validUntil(next);
}

/** @param end of a version; NULL for that of now */
export function validUntil(end: Expr): Output[] {
  return [
    { of: end, as: VALID_TO },
    { of: { kind: 'is-null', of: end }, as: IS_CURRENT },
  ];
}

/**
 * The same where members may end: the versions among events, each of which begins or ends one. They have
 * {@link PREVIOUS_TO}, too.
 *
 * @param events with {@link VALID_FROM}, no two of a key with the same, and `ended`
 */
export function validBetween(
  events: Select,
  key: readonly string[],
  names: readonly string[],
  ended: string,
): Select {
  const outputs = (of: string) =>
    [...names, VALID_FROM].map((name) => ({ of: column(name, of), as: name }));
  const bounded: Select = {
    columns: [
      ...outputs('events'),
      { of: column(ended, 'events'), as: ended },
      ...validity(key, 'events'),
    ],
    from: { kind: 'query', query: events, as: 'events' },
  };
  const previous: Expr = {
    kind: 'window',
    name: 'lag',
    of: column(VALID_TO, 'bounded'),
    partitionBy: key.map((name) => column(name, 'bounded')),
    orderBy: [{ of: column(VALID_FROM, 'bounded') }],
  };
  return {
    columns: [
      ...outputs('bounded'),
      ...[VALID_TO, IS_CURRENT].map((name) => ({ of: column(name, 'bounded'), as: name })),
      { of: previous, as: PREVIOUS_TO },
    ],
    from: { kind: 'query', query: bounded, as: 'bounded' },
    where: { kind: 'not', of: column(ended, 'bounded') },
  };
}
