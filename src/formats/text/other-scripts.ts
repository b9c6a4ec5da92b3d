/** Bytes that are neither UTF-8 nor western European text → the encoding of another script, if clear. */
import { createRequire } from 'node:module';
import { iconv } from '../../base/iconv.js';
import { type Encoding, findEncoding, libraryName } from '../../model/encodings.js';
import { guessCyrillic } from './cyrillic-text.js';

interface Detector {
  /** Encodings by confidence, from 0 to 100, the best one first. */
  analyse(bytes: Uint8Array): readonly { readonly name: string; readonly confidence: number }[];
}

/** The characters above ASCII that text in an encoding has, and their name. */
interface Script {
  readonly characters: RegExp;
  readonly name: string;
}

const HAN = '\u3001-\u303f\u4e00-\u9fff\uff01-\uff5e';
const JAPANESE = {
  characters: new RegExp(`[${HAN}\u3041-\u30ff\uff61-\uff9f]`, 'g'),
  name: 'Japanese',
};
const CHINESE = { characters: new RegExp(`[${HAN}]`, 'g'), name: 'Chinese' };
const KOREAN = { characters: new RegExp(`[${HAN}\uac00-\ud7a3]`, 'g'), name: 'Korean' };

const SCRIPTS: Readonly<Record<Encoding, Script>> = {
  shift_jis: JAPANESE,
  'euc-jp': JAPANESE,
  gb18030: CHINESE,
  big5: CHINESE,
  'euc-kr': KOREAN,
};

/** The least confidence, and how many times that of any other encoding. */
const MIN_CONFIDENCE = 75;
const MIN_LEAD = 1.15;
const MIN_CHARACTERS = 6;
/** Share of the characters above ASCII that must be of the script. */
const MIN_SHARE = 0.95;
/** Bytes of lines that are judged. */
const MAX_BYTES = 64 * 1024;

const require = createRequire(import.meta.url);

export function guessScript(
  parts: readonly Buffer[],
): { readonly encoding: Encoding; readonly why: string } | undefined {
  const text = takeWords(parts);
  const cyrillic = guessCyrillic(text);
  if (cyrillic !== undefined) {
    const why =
      'its bytes above ASCII are Cyrillic text in this encoding, by letters and their case';
    return { encoding: cyrillic, why };
  }
  const { analyse } = require('chardet') as Detector;
  const [best, rival] = analyse(text);
  const encoding = best === undefined ? undefined : findEncoding(best.name);
  const script = encoding === undefined ? undefined : SCRIPTS[encoding];
  if (best === undefined || encoding === undefined || script === undefined) return undefined;
  const least = Math.max(MIN_CONFIDENCE, (rival?.confidence ?? 0) * MIN_LEAD);
  if (best.confidence < least || !isOfScript(text, encoding, script)) return undefined;
  return { encoding, why: `its bytes above ASCII are ${script.name} text in this encoding` };
}

function isOfScript(bytes: Buffer, encoding: Encoding, { characters }: Script): boolean {
  const text = iconv().decode(bytes, libraryName(encoding));
  const above = text.replace(/[\0-\x7f]/g, '');
  const fitting = above.match(characters)?.length ?? 0;
  return fitting >= MIN_CHARACTERS && fitting >= above.length * MIN_SHARE;
}

/** The fields with bytes above ASCII of whole lines. */
function takeWords(parts: readonly Buffer[]): Buffer {
  const words: string[] = [];
  let length = 0;
  for (const [index, part] of parts.entries()) {
    const lines = part.toString('latin1').split(/[\r\n]+/);
    // A piece begins somewhere in a line, and every part may end in one.
    const from = index === 0 ? 0 : 1;
    const to = lines.length > 1 ? lines.length - 1 : lines.length;
    for (const line of lines.slice(from, to)) {
      for (const field of line.split(/[,;\t"]/)) {
        if (length > MAX_BYTES || !/[\x80-\xff]/.test(field)) continue;
        words.push(field);
        length += field.length;
      }
    }
  }
  return Buffer.from(words.join('\n'), 'latin1');
}
