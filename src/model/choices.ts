/**
 * Lists of choices. Each list is defined once, as an object: word → meaning. The type, the option,
 * its check, its help and docs/options.md are derived from it.
 */

/** The meaning of each word, in the order of help and docs. */
export type Choices<T extends string = string> = Readonly<Record<T, string>>;

export function wordsOf<T extends string>(
  choices: Readonly<Record<T, unknown>>,
): readonly [T, ...T[]] {
  return Object.keys(choices) as [T, ...T[]];
}

/** The meanings of words that have other properties, too. */
export function meaningsOf<T extends string>(
  properties: Readonly<Record<T, { readonly meaning: string }>>,
): Choices<T> {
  return Object.fromEntries(
    wordsOf(properties).map((word) => [word, properties[word].meaning]),
  ) as Choices<T>;
}

/** `a (what it means), b (what it means) or c (what it means)` */
export function explainWords(choices: Choices): string {
  return joinWords(Object.entries(choices).map(([word, meaning]) => `${word} (${meaning})`));
}

/** `a, b or c` */
export function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
