/** Names of the model as names in code: ASCII letters and digits, and each its own. */

/** Letters that do not come apart into a letter and marks. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ł: 'l',
  þ: 'th',
  ı: 'i',
};

/** @returns words of lower-case letters and digits; one word where the name has none that code can have */
export function wordsOf(name: string): string[] {
  const plain = name
    .replaceAll(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^\0-\x7f]/gu, (letter) => LETTERS[letter] ?? ' ');
  const words = plain.match(/[a-z0-9]+/g) ?? ['unnamed'];
  return /^\d/.test(words[0]!) ? ['n', ...words] : words;
}

/** `order_lines` → `OrderLines`. */
export function pascalCase(name: string): string {
  return wordsOf(name)
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join('');
}

/** `order_lines` → `order-lines`. */
export function kebabCase(name: string): string {
  return wordsOf(name).join('-');
}

/**
 * Gives each name its own: of those that come out the same, the later ones have a number behind them. Letters in capitals
 * make no difference, since they make none in file names of some systems.
 *
 * @param names in the order of the model
 * @param reserved in lower case
 * @param madeOf further names that are made of each, and must be free, too
 */
export function uniqueNames(
  names: readonly string[],
  toCode: (name: string) => string,
  reserved: Iterable<string> = [],
  madeOf: (code: string) => readonly string[] = () => [],
): ReadonlyMap<string, string> {
  const taken = new Set(reserved);
  const codes = new Map<string, string>();
  for (const name of names) {
    const base = toCode(name);
    let code = base;
    const made = () => [code, ...madeOf(code)].map((one) => one.toLowerCase());
    for (let i = 2; made().some((one) => taken.has(one)); i++) code = `${base}${i}`;
    for (const one of made()) taken.add(one);
    codes.set(name, code);
  }
  return codes;
}
