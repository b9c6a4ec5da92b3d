/** The word that somebody likely meant. */
import { distance } from 'fastest-levenshtein';

/** A word that another begins with is meant by it if it has as many letters: `out` by `output`. */
const MIN_STEM = 3;

/**
 * @returns the word of the list that differs least, or the only one that begins with `word`, or that
 *   `word` begins with; undefined where all differ too much to be meant
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
  if (longer.length > 0) return longer.length === 1 ? longer[0] : undefined;
  const shorter = all.filter(
    (candidate) => candidate.length >= MIN_STEM && wanted.startsWith(normalize(candidate)),
  );
  return shorter.length === 1 ? shorter[0] : undefined;
}

/** `did you mean "x"?`, with another sentence behind it; that one alone where nothing is near. */
export function suggest(word: string, words: Iterable<string>, otherwise: string): string {
  const found = nearest(word, words);
  return found === undefined ? otherwise : `did you mean ${JSON.stringify(found)}? ${otherwise}`;
}

/** More names than these hide the sentence around them. */
const MOST_NAMED = 20;

/** Names for a message: the first of them, and how many more there are. */
export function listNames(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  const shown = names.slice(0, MOST_NAMED).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** Case and the kind of dash are often what differs. */
function normalize(word: string): string {
  return word.normalize('NFKC').toLowerCase().replaceAll('_', '-');
}
