/**
 * Values that are never printed: those of environment variables that edp.yaml names. Where output has
 * one, it shows the name instead.
 */

/** Shorter values are parts of ordinary words and numbers, and no secrets. */
const MIN_HIDDEN_LENGTH = 4;

/** Value → what is shown instead. */
const hidden = new Map<string, string>();
let pattern: RegExp | undefined;

/** @param shown for example `${PASSWORD}` */
export function hideValue(value: string, shown: string): void {
  if (value === '' || hidden.has(value)) return;
  hidden.set(value, shown);
  pattern = undefined;
}

/** The text without hidden values. */
export function withoutHidden(text: string): string {
  if (hidden.size === 0) return text;
  pattern ??= makePattern();
  return pattern === undefined ? text : text.replace(pattern, (value) => hidden.get(value)!);
}

function makePattern(): RegExp | undefined {
  const values = [...hidden.keys()].filter((value) => value.length >= MIN_HIDDEN_LENGTH);
  if (values.length === 0) return undefined;
  // Of two that begin alike, the longer one is meant.
  values.sort((a, b) => b.length - a.length);
  return new RegExp(values.map((value) => value.replace(/[^\w]/g, escapeCharacter)).join('|'), 'g');
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The value itself, or what stands for it, however short it is. */
export function shownValue(value: unknown): unknown {
  return typeof value === 'string' ? (hidden.get(value) ?? withoutHidden(value)) : value;
}

/** The same data without hidden values, in strings and in keys. */
export function withoutHiddenIn(value: unknown): unknown {
  if (hidden.size === 0) return value;
  if (typeof value === 'string') return withoutHidden(value);
  if (Array.isArray(value)) return value.map(withoutHiddenIn);
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [withoutHidden(name), withoutHiddenIn(inner)]),
  );
}
