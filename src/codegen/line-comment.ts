/** Text of the model as a comment of a line or more, in languages that begin one with two slashes. */
export function lineComment(text: string | undefined, indent = ''): string[] {
  if (text === undefined) return [];
  return text.split(/\r\n|[\n\r\u2028\u2029]/).map((line) => `${indent}// ${line}`.trimEnd());
}
