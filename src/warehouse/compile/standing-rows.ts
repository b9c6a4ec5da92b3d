/** Of a table that keeps each version of a member, or deleted rows: which of its rows say what is, and not what was. */
import { OFFSET_COLUMN } from '../../model/kept-versions.js';
import type { Source } from '../../model/warehouse/task.js';
import { all, binary, column, type Expr, equal } from '../../relational/tree.js';
import { SOURCE } from './blueprint.js';
import { hasEnded } from './version-events.js';

const LATER = 'later';

/** Versions, which are no ends, of members that have not ended since. */
export function isStanding(source: Source): Expr[] {
  if (source.versions?.hasEnds !== true) return [];
  return [isNoEnd(), hasNoLater(source, [hasEnded(LATER)])];
}

/** The last version of each member that has not ended. */
export function isLastOfMember(source: Source): Expr[] {
  return [...(source.versions!.hasEnds ? [isNoEnd()] : []), hasNoLater(source, [])];
}

/** Rows that are versions. */
export function isVersion({ versions }: Source): Expr[] {
  return versions?.hasEnds === true ? [isNoEnd()] : [];
}

/** Of a realized table, rows that are there; of its history, states of now. */
export function isThere({ goneBy }: Source): Expr[] {
  return goneBy === undefined ? [] : [{ kind: 'is-null', of: column(goneBy, SOURCE) }];
}

function isNoEnd(): Expr {
  return { kind: 'not', of: hasEnded(SOURCE) };
}

function hasNoLater({ relation, versions, lineageColumn }: Source, conditions: readonly Expr[]) {
  const place = (of: string): Expr => ({
    kind: 'row',
    of: [column(lineageColumn!, of), column(OFFSET_COLUMN, of)],
  });
  const where = all([
    equal(versions!.key, LATER, SOURCE),
    binary(place(LATER), '>', place(SOURCE)),
    ...conditions,
  ]);
  const from = { kind: 'table', ...relation, as: LATER } as const;
  return { kind: 'exists', query: { columns: [], from, where }, isNegated: true } satisfies Expr;
}
