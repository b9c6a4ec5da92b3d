/** What to write instead of `{{ ref('members') }}`, which people bring from other tools. */
export const NO_TEMPLATES =
  'edp has no templates and no ref(): write the name, such as silver.members; edp finds out what reads what';

/** Whether the name of a table is written that way. */
export function isTemplate(name: string): boolean {
  return hasTemplate(name) || /^\s*(?:ref|source)\s*\(/.test(name);
}

export function hasTemplate(text: string): boolean {
  return /\{[{%]/.test(text);
}
