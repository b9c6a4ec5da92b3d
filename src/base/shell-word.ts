/** Text in a command that people copy. */
import { safeText } from './safe-text.js';

/** A name as a shell takes it. */
export function toShellWord(name: string): string {
  const text = safeText(name);
  return /^[\w.:@%+=/-]+$/.test(text) && !text.startsWith('-')
    ? text
    : `'${text.replaceAll("'", `'\\''`)}'`;
}
