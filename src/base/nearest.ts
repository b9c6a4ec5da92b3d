/** The word that somebody likely meant. */
import { distance } from 'fastest-levenshtein';

/**
 * @returns the word of the list that differs least, or the only one that begins with `word`;
 *   undefined where all differ too much to be meant
 */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  const wanted = normalize(word);
  if (wanted === '') return undefined;
  const all = [...new Set(words)];
  // Two letters that changed places are two edits; short words must not be taken for each other.
  const limit =
    wanted.length < 4 ? Math.min(1, wanted.length - 1) : Math.max(2, Math.floor(wanted.length / 3));
  const lengthApart = ({ candidate }: { candidate: string }) =>
    Math.abs(candidate.length - word.length);
  const [best] = all
    .map((candidate) => ({ candidate, edits: distance(wanted, normalize(candidate)) }))
    .filter(({ edits }) => edits <= limit)
    .sort((a, b) => a.edits - b.edits || lengthApart(a) - lengthApart(b));
  if (best !== undefined) return best.candidate;
  const longer = all.filter((candidate) => normalize(candidate).startsWith(wanted));
  return longer.length === 1 ? longer[0] : undefined;
}

/** `did you mean "x"?`, with another sentence behind it; that one alone where nothing is near. */
export function suggest(word: string, words: Iterable<string>, otherwise: string): string {
  const found = nearest(word, words);
  return found === undefined ? otherwise : `did you mean ${JSON.stringify(found)}? ${otherwise}`;
}

/** Case and the kind of dash are often what differs. */
function normalize(word: string): string {
  return word.normalize('NFKC').toLowerCase().replaceAll('_', '-');
}
