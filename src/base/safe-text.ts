/**
 * Makes text from files, tables and names safe to be shown: nothing in it can move a terminal's
 * cursor, change its colours, start an escape sequence, or reverse the direction of writing.
 */

import { withoutHidden, withoutHiddenIn } from './hidden-values.js';

/** C0 and C1 controls, DEL, line and paragraph separators, embeddings, overrides and isolates. */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for these
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const UNSAFE_BUT_NEWLINE = new RegExp(
  UNSAFE.source.replace('\\u0000-\\u001f', '\\u0000-\\u0009\\u000b-\\u001f'),
  'g',
);

function show(character: string): string {
  switch (character) {
    case '\n':
      return '\\n';
    case '\t':
      return '\\t';
    case '\r':
      return '\\r';
    default: {
      const code = character.charCodeAt(0);
      return code < 256
        ? `\\x${code.toString(16).padStart(2, '0')}`
        : `\\u${code.toString(16).padStart(4, '0')}`;
    }
  }
}

/** Makes one line of text safe. */
export function safeText(text: string): string {
  return withoutHidden(text).replace(UNSAFE, show);
}

/** Makes several lines of text safe; line ends stay. */
export function safeLines(text: string): string {
  return withoutHidden(text).replace(UNSAFE_BUT_NEWLINE, show);
}

/**
 * Makes rows of data safe for a terminal; lines and tabs stay. @returns the text itself where
 * nothing is unsafe
 */
export function safeData(text: string): string {
  return text.replace(UNSAFE_BUT_NEWLINE, (character) =>
    character === '\t' ? character : show(character),
  );
}

/** JSON with the same value, in which everything unsafe is escaped. */
export function safeJson(value: unknown): string {
  return JSON.stringify(withoutHiddenIn(value)).replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
