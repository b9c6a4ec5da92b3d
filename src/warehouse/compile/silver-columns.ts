/** What a silver table has in its columns, of a row of its source. */
import type { SilverColumn, SilverTask } from '../../model/warehouse/task.js';
import { VALID_FROM } from '../../model/warehouse/versions.js';
import { cast, column, type Expr, text } from '../../relational/tree.js';
import { SOURCE } from './blueprint.js';
import type { Shape } from './relation-shape.js';

/** What tells its rows apart. */
export function keyOf({ key, history }: SilverTask): readonly string[] {
  return history === undefined ? key : [...key, VALID_FROM];
}

/** Those that are declared; of a history, the moment from which a version is valid, too. */
export function columnsOf({ columns, history }: SilverTask): readonly SilverColumn[] {
  if (history === undefined) return columns;
  const { by, timezone } = history;
  const zone = timezone === undefined ? {} : { timezone };
  return [...columns, { name: VALID_FROM, from: { column: by }, ...zone, onError: 'fail' }];
}

/** The columns of the source that its key is made of; undefined where SQL makes it. */
export function keySourcesOf({ key, columns }: SilverTask): readonly string[] | undefined {
  const names = columns
    .filter(({ name }) => key.includes(name))
    .map(({ from }) => ('column' in from ? from.column : undefined));
  if (names.includes(undefined)) return undefined;
  return [...new Set(names as string[])];
}

export function userWhere(sql: string): Expr {
  return { kind: 'user', sql };
}

/** The value of a column, of a row of the source. */
export function cleaned(
  { from, type, timezone, truncate, values, onError }: SilverColumn,
  shape: Shape,
): Expr {
  let of: Expr = 'sql' in from ? { kind: 'user', sql: from.sql } : column(from.column, SOURCE);
  let is = 'sql' in from ? '' : (shape.get(from.column) ?? '');
  const castTo = (to: string) => {
    of = onError === 'null' ? { kind: 'try-cast', of, type: to } : cast(of, to);
    is = to;
  };
  if (values !== undefined) {
    of = spelled(of, values);
    is = 'text';
  }
  if (type !== undefined) castTo(type);
  if (timezone !== undefined && !isMoment(is)) {
    if (!/^\s*timestamp/i.test(is)) castTo('timestamp');
    of = { kind: 'at-zone', of, zone: timezone };
    is = 'timestamp with time zone';
  }
  return truncate === undefined ? of : truncated(of, is, truncate);
}

function isMoment(type: string): boolean {
  return /^\s*timestamp(tz\b|\s*(\(\s*\d\s*\))?\s+with\s+time\s+zone\s*$)/i.test(type);
}

function truncated(of: Expr, type: string, unit: NonNullable<SilverColumn['truncate']>): Expr {
  if (/^\s*date\s*$/i.test(type)) {
    return cast({ kind: 'truncate', unit, of: cast(of, 'timestamp') }, 'date');
  }
  if (!isMoment(type)) return { kind: 'truncate', unit, of };
  const inUtc: Expr = { kind: 'truncate', unit, of: { kind: 'at-zone', of, zone: 'UTC' } };
  return { kind: 'at-zone', of: inUtc, zone: 'UTC' };
}

/** One name for all spellings of a value; others stay as they are. */
function spelled(of: Expr, values: NonNullable<SilverColumn['values']>): Expr {
  const written = cast(of, 'text');
  return {
    kind: 'case',
    when: Object.entries(values).map(([name, spellings]) => ({
      if: { kind: 'in', of: written, list: [name, ...spellings].map(text) },
      value: text(name),
    })),
    else: written,
  };
}
