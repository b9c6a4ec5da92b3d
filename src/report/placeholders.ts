/**
 * Finds the placeholders in SQL that psql would replace, by PostgreSQL's lexical rules: nothing
 * inside a string, a quoted name, a comment or a dollar quote counts, nor does the `::` of a cast.
 *
 * https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 * https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-INTERPOLATION
 */

export interface Placeholder {
  /**
   * `value` is `:'name'`, `raw` is `:name`, `identifier` is `:"name"`; `positional` is `$1`, which
   * psql does not replace and which would conflict with edp's own.
   */
  readonly kind: 'value' | 'raw' | 'identifier' | 'positional';
  readonly name: string;
  /** Offsets into the SQL, in UTF-16 units: [start, end). */
  readonly start: number;
  readonly end: number;
}

export interface Findings {
  readonly placeholders: readonly Placeholder[];
  /** Whether there is anything but space, comments and semicolons. */
  readonly hasCode: boolean;
  /** Offset of the first code after a semicolon. */
  readonly secondStatement: number | undefined;
  /** Texts as they are written, with their quotes. */
  readonly texts: readonly string[];
}

/**
 * The first that matches at an offset is the token there; any other character is one of its own.
 */
const TOKEN = new RegExp(
  [
    '(?<space>\\s+|--[^\\n]*)',
    '(?<comment>/\\*)',
    "(?<string>[eE]'(?:[^'\\\\]|\\\\[^]|'')*'?|'[^']*'?|\"[^\"]*\"?)",
    '(?<dollar>\\$(?:[A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*)?\\$)',
    '\\$(?<positional>\\d+)',
    '(?<word>[A-Za-z_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*|\\d+)',
    '(?<colons>::|:=)',
    ":'(?<value>[A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*)'",
    ':"(?<identifier>[A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*)"',
    ':(?<raw>[A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*)',
    '(?<semicolon>;)',
  ].join('|'),
  'y',
);

const KINDS = ['value', 'raw', 'identifier', 'positional'] as const;

export function findPlaceholders(sql: string): Findings {
  const placeholders: Placeholder[] = [];
  const texts: string[] = [];
  let hasCode = false;
  let isAfterEnd = false;
  let secondStatement: number | undefined;
  let brackets = 0;
  for (let offset = 0, next = 0; offset < sql.length; offset = next) {
    TOKEN.lastIndex = offset;
    const match = TOKEN.exec(sql);
    const groups = match?.groups ?? {};
    next = match === null ? offset + 1 : TOKEN.lastIndex;
    if (groups.space !== undefined) continue;
    if (groups.comment !== undefined) {
      next = endOfComment(sql, offset);
      continue;
    }
    if (groups.semicolon !== undefined) {
      isAfterEnd = hasCode;
      continue;
    }
    hasCode = true;
    if (isAfterEnd) secondStatement ??= offset;
    if (groups.string !== undefined && !groups.string.startsWith('"')) texts.push(groups.string);
    if (groups.dollar !== undefined) {
      const close = sql.indexOf(groups.dollar, next);
      next = close < 0 ? sql.length : close + groups.dollar.length;
      texts.push(sql.slice(offset, next));
      continue;
    }
    if (sql[offset] === '[') brackets++;
    if (sql[offset] === ']') brackets--;
    for (const kind of KINDS) {
      const name = groups[kind];
      // Inside brackets a colon also separates the bounds of an array slice: `a[low:high]`.
      if (name === undefined || (kind === 'raw' && brackets > 0)) continue;
      placeholders.push({ kind, name, start: offset, end: next });
    }
  }
  return { placeholders, hasCode, secondStatement, texts };
}

/** Comments nest, unlike in C. */
function endOfComment(sql: string, start: number): number {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = start;
  let depth = 0;
  for (let match = edge.exec(sql); match !== null; match = edge.exec(sql)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
  return sql.length;
}
