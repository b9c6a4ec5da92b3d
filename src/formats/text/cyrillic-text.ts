/** Bytes above ASCII → the Cyrillic encoding in which they are text, by letters and their case. */
import type { Encoding } from '../../model/encodings.js';
import { toText } from './transcode.js';

/** Where two of them give the same letters, the first one is meant. */
const CANDIDATES: readonly Encoding[] = [
  'windows-1251',
  'koi8-r',
  'cp866',
  'iso-8859-5',
  'mac-cyrillic',
];

/** How often letters occur in Russian, in percent; other Slavic languages are close enough. */
const FREQUENCIES: Readonly<Record<string, number>> = {
  ...{ о: 10.97, е: 8.45, а: 8.01, и: 7.35, н: 6.7, т: 6.26, с: 5.47, р: 4.73, в: 4.54, л: 4.4 },
  ...{ к: 3.49, м: 3.21, д: 2.98, п: 2.81, у: 2.62, я: 2.01, ы: 1.9, ь: 1.74, г: 1.7, з: 1.65 },
  ...{ б: 1.59, ч: 1.44, й: 1.21, х: 0.97, ж: 0.94, ш: 0.73, ю: 0.64, ц: 0.48, щ: 0.36, э: 0.32 },
  ...{ ф: 0.26, і: 2, ї: 0.6, є: 0.4, ґ: 0.02, ў: 0.3, ё: 0.04, ъ: 0.04 },
};
const RARE = 0.01;

const MIN_LETTERS = 10;
const MIN_LETTER_SHARE = 0.95;
const MAX_MISCASED_SHARE = 0.05;
/** Mean logarithms of frequencies: about -3 for text, and below -3.6 for other letters of it. */
const MIN_LIKENESS = -3.45;
const MIN_LEAD = 0.25;

/** @returns undefined where the bytes are no such text, or could be text in two of the encodings */
export function guessCyrillic(bytes: Buffer): Encoding | undefined {
  const found = CANDIDATES.map((encoding) => ({ encoding, ...judge(bytes, encoding) }))
    .filter(({ likeness }) => likeness > MIN_LIKENESS)
    .sort((a, b) => b.likeness - a.likeness);
  const [best, ...others] = found;
  const rival = others.find(({ letters }) => letters !== best?.letters);
  if (best === undefined) return undefined;
  return rival === undefined || best.likeness - rival.likeness > MIN_LEAD
    ? best.encoding
    : undefined;
}

/** How much the bytes are like text in an encoding; -Infinity where they are none. */
function judge(
  bytes: Buffer,
  encoding: Encoding,
): { readonly letters: string; readonly likeness: number } {
  const text = toText(bytes.toString('latin1'), encoding);
  const above = text.replace(/[\0-\x7f\u00a0«»—–…№“”„’]/g, '');
  const letters = (above.match(/[\u0400-\u045f\u0490\u0491]/g) ?? []).join('');
  const words = text.match(/[\u0400-\u045f]{2,}/g) ?? [];
  const miscased = words.filter((word) => /[а-яё][А-ЯЁ]/.test(word)).length;
  const isText =
    letters.length >= MIN_LETTERS &&
    letters.length >= above.length * MIN_LETTER_SHARE &&
    miscased <= words.length * MAX_MISCASED_SHARE;
  if (!isText) return { letters, likeness: Number.NEGATIVE_INFINITY };
  let sum = 0;
  for (const letter of letters.toLowerCase()) sum += Math.log((FREQUENCIES[letter] ?? RARE) / 100);
  return { letters, likeness: sum / letters.length };
}
