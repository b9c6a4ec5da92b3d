/** The text of a dbt file, taken apart into SQL and what stands in `{{ }}`, `{% %}` and `{# #}`. */

export type JinjaKind = 'text' | 'value' | 'statement' | 'comment';

export interface JinjaPart {
  readonly kind: JinjaKind;
  /** Without the braces. */
  readonly text: string;
  /** As it is written, with them. */
  readonly written: string;
  /** Of its first character, from 1. */
  readonly line: number;
}

export interface JinjaFault {
  readonly line: number;
  readonly fault: string;
}

const KINDS: Readonly<Record<string, readonly [Exclude<JinjaKind, 'text'>, string]>> = {
  '{{': ['value', '}}'],
  '{%': ['statement', '%}'],
  '{#': ['comment', '#}'],
};

/** A minus inside the braces (`{{-`, `-}}`) takes the blanks beside it away, as it does in dbt. */
export function splitJinja(source: string): readonly JinjaPart[] | JinjaFault {
  const parts: JinjaPart[] = [];
  let at = 0;
  let isTrimmed = false;
  const lineAt = (offset: number) => source.slice(0, offset).split('\n').length;
  const addText = (end: number, trimsEnd: boolean) => {
    const whole = source.slice(at, end);
    const start = isTrimmed ? whole.length - whole.trimStart().length : 0;
    const text = trimsEnd ? whole.slice(start).trimEnd() : whole.slice(start);
    if (text !== '') parts.push({ kind: 'text', text, written: text, line: lineAt(at + start) });
  };
  for (;;) {
    const open = source.slice(at).search(/\{[{%#]/);
    if (open < 0) break;
    const start = at + open;
    const [kind, close] = KINDS[source.slice(start, start + 2)]!;
    const end = findEnd(source, start + 2, close, kind !== 'comment');
    if (end === undefined) {
      return { line: lineAt(start), fault: `${source.slice(start, start + 2)} has no ${close}` };
    }
    const written = source.slice(start, end + 2);
    const inner = source.slice(start + 2, end);
    addText(start, inner.startsWith('-'));
    const text = inner.replace(/^[-+]/, '').replace(/-$/, '').trim();
    parts.push({ kind, text, written, line: lineAt(start) });
    isTrimmed = inner.endsWith('-');
    at = end + 2;
  }
  addText(source.length, false);
  return parts;
}

/** @param hasTexts whether what closes it may also stand in quotes */
function findEnd(
  source: string,
  from: number,
  close: string,
  hasTexts: boolean,
): number | undefined {
  for (let at = from; at < source.length; at++) {
    if (source.startsWith(close, at)) return at;
    const quote = source[at];
    if (!hasTexts || (quote !== "'" && quote !== '"')) continue;
    for (at++; at < source.length && source[at] !== quote; at++) if (source[at] === '\\') at++;
  }
  return undefined;
}
