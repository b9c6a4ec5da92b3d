/** A line of bash → its words; and a word → how bash takes it. */

export type OpenQuote = '' | "'" | '"';

/** @returns the words without quotes, the last one up to the cursor, and the quote that is open there */
export function readWords(line: string): { readonly words: string[]; readonly quote: OpenQuote } {
  const words: string[] = [];
  let word: string | undefined;
  let quote: OpenQuote = '';
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    const next = line[i + 1];
    if (quote === "'") {
      if (character === "'") quote = '';
      else word += character;
    } else if (quote === '"') {
      if (character === '"') quote = '';
      else if (character === '\\' && next !== undefined && '"\\$`'.includes(next))
        word += line[++i];
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= '';
    } else if (character === '\\') {
      word = (word ?? '') + (line[++i] ?? '');
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (/[;|&]/.test(character)) {
      // Another command begins.
      words.length = 0;
      word = undefined;
    } else word = (word ?? '') + character;
  }
  words.push(word ?? '');
  return { words, quote };
}

/**
 * bash replaces only what stands behind the last `:` or `=` of a word (COMP_WORDBREAKS).
 *
 * @param full the whole word so far, without quotes
 * @param part what bash would replace, as it is written
 * @returns what is to stand in its place; undefined where the candidate does not fit
 */
export function trimForBash(
  candidate: string,
  full: string,
  part: string,
  quote: OpenQuote,
): string | undefined {
  if (!candidate.startsWith(full)) return undefined;
  const written = part === ':' || part === '=' ? '' : part;
  const own = quote === '' ? readWords(written).words.at(-1)! : written.replace(/^["']/, '');
  return candidate.slice(full.endsWith(own) ? full.length - own.length : 0);
}

/** Within an open quote, bash adds the closing one. */
export function quoteForBash(text: string, quote: OpenQuote): string {
  if (quote === "'") return text.replaceAll("'", "'\\''");
  if (quote === '"') return text.replace(/["\\$`]/g, '\\$&');
  return text.replace(/[^\w.,:@%+=/\u0080-\uffff-]/g, '\\$&');
}
