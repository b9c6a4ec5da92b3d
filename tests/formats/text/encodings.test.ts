/** Encodings beyond UTF: what is guessed, and how their bytes become UTF-8. */
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { describe, expect, it } from 'vitest';
import {
  escapeByte,
  findByteTable,
  isTranscoded,
} from '../../../src/formats/text/character-set.js';
import { guessEncoding } from '../../../src/formats/text/encoding.js';
import { toText } from '../../../src/formats/text/transcode.js';
import { newTranscoder } from '../../../src/formats/text/transcoder.js';
import { findEncoding, libraryName } from '../../../src/model/encodings.js';

const WORDS = {
  western: ['não', 'más', 'mañana', 'Zürich', '25°', 'l’été', 'Malmö', 'straße'],
  signs: ['don’t', '“well”', '20°C', '£5', 'it’s'],
  apple: ['they’re', 'don’t', 'plain', 'isn’t', 'café'],
  russian: ['Москва', 'Казань', 'улица Ленина', 'Нижний Новгород'],
  shouted: ['МОСКВА', 'КАЗАНЬ', 'САНКТ-ПЕТЕРБУРГ', 'НОВОСИБИРСК'],
  quiet: ['привет', 'мир', 'дом', 'собака', 'молоко'],
  ukrainian: ['Київ', 'Львів', 'Харків', 'вулиця Шевченка'],
  bulgarian: ['София', 'Пловдив', 'Варна', 'Бургас'],
  greek: ['Αθήνα', 'Θεσσαλονίκη', 'Πάτρα'],
  polish: ['Łódź', 'Kraków', 'żółw', 'Wrocław', 'część'],
  japanese: ['東京都', '大阪府', 'こんにちは', 'テスト', '北海道'],
  simplified: ['北京市', '上海市', '你好世界', '中文测试', '广州'],
  traditional: ['台北市', '高雄市', '你好世界', '中文測試', '蘋果'],
  korean: ['서울특별시', '부산광역시', '안녕하세요', '한국어', '대전'],
} as const;

function csvIn(encoding: string, words: readonly string[], rows = 40): Buffer {
  const lines = Array.from({ length: rows }, (_, i) => `${i},${words[i % words.length]},x${i}\n`);
  return iconv.encode(`id,name,v\n${lines.join('')}`, libraryName(encoding));
}

describe('the guess', () => {
  it.each<[words: keyof typeof WORDS, encoding: string, guess: string]>([
    ['western', 'windows-1252', 'windows-1252'],
    ['signs', 'windows-1252', 'windows-1252'],
    ['western', 'mac-roman', 'mac-roman'],
    ['apple', 'mac-roman', 'mac-roman'],
    ['russian', 'windows-1251', 'windows-1251'],
    ['russian', 'koi8-r', 'koi8-r'],
    ['russian', 'iso-8859-5', 'iso-8859-5'],
    ['russian', 'cp866', 'cp866'],
    ['russian', 'mac-cyrillic', 'mac-cyrillic'],
    ['ukrainian', 'windows-1251', 'windows-1251'],
    ['bulgarian', 'windows-1251', 'windows-1251'],
    ['quiet', 'windows-1251', 'windows-1251'],
    ['quiet', 'koi8-r', 'koi8-r'],
    ['shouted', 'windows-1251', 'windows-1251'],
    ['shouted', 'koi8-r', 'koi8-r'],
    ['japanese', 'shift_jis', 'shift_jis'],
    ['japanese', 'euc-jp', 'euc-jp'],
    ['simplified', 'gb18030', 'gb18030'],
    ['traditional', 'big5', 'big5'],
    ['korean', 'euc-kr', 'euc-kr'],
    ['western', 'utf-32le', 'utf-8'],
  ])('for %s words in %s is %s', (words, encoding, guess) => {
    expect(guessEncoding([csvIn(encoding, WORDS[words])]).encoding).toBe(guess);
    expect(guessEncoding([csvIn(encoding, WORDS[words], 5)], true).encoding).toBe(guess);
  });

  it.each<[words: keyof typeof WORDS, encoding: string]>([
    ['polish', 'windows-1250'],
    ['polish', 'iso-8859-2'],
    ['greek', 'windows-1253'],
  ])('is not made for %s words in %s, which could be others', (words, encoding) => {
    expect(guessEncoding([csvIn(encoding, WORDS[words])])).toMatchObject({
      encoding: 'utf-8',
      hasInvalid: true,
      isGuess: true,
    });
  });

  it('needs one line of many, at its end, too', () => {
    const plain = 'id,name\n1,plain\n'.repeat(5000);
    const late = Buffer.from(`${plain}2,caf\xe9`, 'latin1');
    expect(guessEncoding([late], true).encoding).toBe('windows-1252');
    expect(guessEncoding([Buffer.from(`${plain}2,caf\xe9\n`, 'latin1')]).encoding).toBe(
      'windows-1252',
    );
  });

  it.each<[string, string]>([
    ['a byte that no text has', 'a\xffb,c\n'],
    ['a letter without others', 'abc,\xc3\n'],
    ['UTF-8 beside it', 'caf\xc3\xa9,caf\xe9\n'],
  ])('is not made for %s', (_, text) => {
    expect(guessEncoding([Buffer.from(text.repeat(3), 'latin1')]).encoding).toBe('utf-8');
  });

  it('takes a byte order mark as it is', () => {
    for (const [encoding, mark] of [
      ['utf-32le', [0xff, 0xfe, 0, 0]],
      ['utf-32be', [0, 0, 0xfe, 0xff]],
      ['gb18030', [0x84, 0x31, 0x95, 0x33]],
    ] as const) {
      expect(guessEncoding([Buffer.from(mark)])).toMatchObject({ encoding, markBytes: 4 });
    }
  });
});

describe('a name', () => {
  it.each<[label: string, encoding: string | undefined]>([
    ['CP1251', 'windows-1251'],
    ['Windows-1251', 'windows-1251'],
    ['x-cp1251', 'windows-1251'],
    ['KOI8-R', 'koi8-r'],
    ['macintosh', 'mac-roman'],
    ['MacRoman', 'mac-roman'],
    ['x-mac-cyrillic', 'mac-cyrillic'],
    ['Shift-JIS', 'shift_jis'],
    ['sjis', 'shift_jis'],
    ['cp932', 'shift_jis'],
    ['EUC-JP', 'euc-jp'],
    ['iso-2022-jp', 'iso-2022-jp'],
    ['GB2312', 'gbk'],
    ['gb18030', 'gb18030'],
    ['Big5', 'big5'],
    ['ks_c_5601-1987', 'euc-kr'],
    ['cp949', 'euc-kr'],
    ['latin2', 'iso-8859-2'],
    ['ISO-8859-15', 'iso-8859-15'],
    ['iso8859-15', 'iso-8859-15'],
    ['iso-8859-8-i', 'iso-8859-8'],
    ['latin1', 'latin1'],
    ['l1', 'latin1'],
    ['utf-32', 'utf-32le'],
    ['UTF-8', 'utf-8'],
    ['unicode-1-1-utf-8', 'utf-8'],
    ['cp437', 'cp437'],
    ['hex', undefined],
    ['base64', undefined],
    ['_sbcs', undefined],
    ['klingon', undefined],
    ['', undefined],
  ])('%j is %s', (label, encoding) => {
    expect(findEncoding(label)).toBe(encoding);
  });
});

const ONE_BYTE = [
  ...['windows-1250', 'windows-1251', 'windows-1253', 'windows-1257', 'windows-874', 'koi8-r'],
  ...['koi8-u', 'iso-8859-2', 'iso-8859-5', 'iso-8859-15', 'mac-cyrillic', 'cp437', 'cp866'],
];

describe('an encoding of one byte for each character', () => {
  it.each(ONE_BYTE)('%s is read by a table', (encoding) => {
    expect(isTranscoded(encoding)).toBe(false);
    for (let byte = 0; byte < 256; byte++) {
      const bytes = Buffer.of(byte);
      const text = iconv.decode(bytes, libraryName(encoding));
      const expected = text === '\ufffd' ? escapeByte(byte).toString() : text;
      expect(toText(bytes.toString('latin1'), encoding)).toBe(expected);
    }
  });

  it('of Apple has the euro', () => {
    expect(toText('\x8e\xd5\xdb', 'mac-roman')).toBe('é’€');
    expect(findByteTable('shift_jis')).toBeUndefined();
  });
});

const SEVERAL_BYTES = ['shift_jis', 'euc-jp', 'gbk', 'gb18030', 'big5', 'euc-kr', 'utf-32le'];
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });

function transcode(bytes: Buffer, encoding: string, sizes: readonly number[]): Buffer {
  const transcoder = newTranscoder(encoding);
  const parts: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    parts.push(Buffer.from(transcoder.transcode(bytes.subarray(at, at + size))));
    at += size;
  }
  return Buffer.concat([...parts, transcoder.end()]);
}

/** The bytes of a text, with those that were no character put back. */
function restore(text: Buffer, encoding: string): Buffer {
  const pieces = text.toString('latin1').split(/(\xed[\xb0-\xb3][\x80-\xbf])/);
  return Buffer.concat(
    pieces.map((piece, i) => {
      const bytes = Buffer.from(piece, 'latin1');
      if (i % 2 === 1) return Buffer.of(((bytes[1]! & 0x03) << 6) | (bytes[2]! & 0x3f));
      return iconv.encode(bytes.toString(), libraryName(encoding));
    }),
  );
}

describe('an encoding of several bytes for a character', () => {
  const words = Object.values(WORDS).flat();
  const text = fc.array(fc.constantFrom(...words, ',', '\n', '"', 'a|b\\', '~'), { maxLength: 12 });

  it.each(SEVERAL_BYTES)('%s becomes UTF-8, however it is cut', (encoding) => {
    expect(isTranscoded(encoding)).toBe(true);
    fc.assert(
      fc.property(text, cuts, (parts, sizes) => {
        const bytes = iconv.encode(parts.join(''), libraryName(encoding));
        const whole = iconv.decode(bytes, libraryName(encoding), { stripBOM: false });
        expect(transcode(bytes, encoding, sizes).toString()).toBe(whole);
      }),
      { numRuns: 200 },
    );
  });

  it.each(SEVERAL_BYTES)('%s: bytes that are no character stay known', (encoding) => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(255)), cuts, (parts, stray, sizes) => {
        const rest = iconv.encode(parts.join(''), libraryName(encoding));
        const bytes = Buffer.concat([Buffer.from(stray), rest]);
        const once = transcode(bytes, encoding, [bytes.length + 1]);
        expect(transcode(bytes, encoding, sizes)).toEqual(once);
      }),
      { numRuns: 200 },
    );
  });

  it.each<[encoding: string, bytes: string, text: string]>([
    ['shift_jis', 'a\x81,b\n', 'a\xed\xb2\x81,b\n'],
    ['shift_jis', '\x93\x8c\xff\x8b\x9e', '東\xed\xb3\xbf京'],
    ['euc-kr', 'x\xff\xfe\n', 'x\xed\xb3\xbf\xed\xb3\xbe\n'],
    ['gb18030', '\xb1\xb1\xff\n\x81', '北\xed\xb3\xbf\n\xed\xb2\x81'],
    ['gb18030', '\x84\x31\xa4\x37', '\ufffd'],
    ['big5', 'a\xa4\n', 'a\xed\xb2\xa4\n'],
    ['euc-jp', '\x8f\xa2\n', '\xed\xb2\x8f\xed\xb2\xa2\n'],
  ])('%s: %j', (encoding, latin1, expected) => {
    const utf8 = Buffer.concat(
      expected
        .split(/([\x80-\xff]+)/)
        .map((part, i) => Buffer.from(part, i % 2 === 1 ? 'latin1' : 'utf8')),
    );
    const bytes = Buffer.from(latin1, 'latin1');
    expect(transcode(bytes, encoding, [1])).toEqual(utf8);
    expect(restore(utf8, encoding)).toEqual(bytes);
  });

  it('needs no line end, and no memory for a text without any', () => {
    const bytes = iconv.encode('東京'.repeat(200_000), 'shift_jis');
    expect(transcode(bytes, 'shift_jis', [100_001]).toString()).toBe('東京'.repeat(200_000));
  });

  it.each(['iso-2022-jp', 'utf-7'])('%s may be one in which bytes depend on others', (encoding) => {
    const bytes =
      encoding === 'utf-7'
        ? iconv.encode('a,東京\n', 'utf-7')
        : Buffer.from('a,\x1b$B\x45\x6c\x35\x7e\x1b(B\n', 'latin1');
    expect(transcode(bytes, encoding, [1]).toString()).toBe('a,東京\n');
  });
});
