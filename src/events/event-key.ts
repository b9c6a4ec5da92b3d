/** The key of a row in an event. */

/** A value of a key, as an event has it, as text. */
export function keyTextOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** `subject` of an event: the text of a single column, else a JSON array of the texts. */
export function subjectOf(keyTexts: readonly string[]): string {
  const [only, ...others] = keyTexts;
  return only !== undefined && others.length === 0 ? only : JSON.stringify(keyTexts);
}
