/** Values of a difference as one line of text: of long ones, the part in which they differ. */
import { formatCount, safeText } from '../terminal/output.js';

/** Characters of a value. */
const MOST_SHOWN = 80;
/** Of those: what stands in front of the first character that differs. */
const SHOWN_BEFORE = 20;

type Value = string | null;

export function showValue(value: Value): string {
  return value === null ? 'NULL' : showPart(value, 0);
}

/** @param values different ones of the same column */
export function showDiffering([a, b]: readonly [Value, Value]): [string, string] {
  if (a === null || b === null || Math.max(a.length, b.length) <= MOST_SHOWN) {
    return [showValue(a), showValue(b)];
  }
  const start = Math.max(0, firstDifference(a, b) - SHOWN_BEFORE);
  return [showPart(a, start), showPart(b, start)];
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

function showPart(value: string, wanted: number): string {
  const start = isInsidePair(value, wanted) ? wanted - 1 : wanted;
  const wantedEnd = start + MOST_SHOWN;
  const end = isInsidePair(value, wantedEnd) ? wantedEnd + 1 : wantedEnd;
  const text = `${start > 0 ? '…' : ''}${value.slice(start, end)}${value.length > end ? '…' : ''}`;
  const shown = safeText(JSON.stringify(text));
  return start > 0 ? `${shown} (from character ${formatCount(start + 1)} on)` : shown;
}

function isInsidePair(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return at > 0 && code >= 0xdc00 && code <= 0xdfff;
}
