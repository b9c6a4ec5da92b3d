/** Which format a file has, and what is known of a file of JSON lines before it is read. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { chooseFormat } from '../../src/formats/choose-format.js';
import { describeFile } from '../../src/formats/describe-file.js';
import { type FileSettings, NO_SETTINGS } from '../../src/model/file-settings.js';
import { parseModel } from '../../src/model/schema.js';
import { localVersion } from '../../src/source/local-files.js';
import { makeDirectory } from '../support/cli.js';
import { utf16, zip, zstd } from '../support/packed.js';

const LINES = '{"a": 1}\n{"b": "x"}\n';
const CSV = 'a,b\n1,x\n';
const [TABLE] = parseModel({ t: { columns: { a: 'int', b: 'text' } } }).tables;

async function write(name: string, content: string | Buffer): Promise<string> {
  const file = path.join(await makeDirectory(), name);
  await writeFile(file, content);
  return file;
}

describe('a format is', () => {
  const cases: [string, string, string | Buffer, string, FileSettings?][] = [
    ['detected by a suffix', 'x.jsonl', CSV, 'jsonl'],
    ['detected by another', 'x.ndjson', CSV, 'jsonl'],
    ['detected by a suffix in capitals', 'X.JSONL', CSV, 'jsonl'],
    ['detected before that of a packed file', 'x.jsonl.gz', gzipSync(CSV), 'jsonl'],
    ['detected before any of them', 'x.ndjson.zst', CSV, 'jsonl'],
    ['CSV by its suffix, whatever is in it', 'x.csv', LINES, 'csv'],
    ['CSV by its suffix, packed', 'x.tsv.bz2', LINES, 'csv'],
    ['detected by its lines', 'x', LINES, 'jsonl'],
    ['detected by its lines, for the suffix of other JSON', 'x.json', LINES, 'jsonl'],
    ['detected by its lines, behind blank ones', 'x.log', `\n\n ${LINES}`, 'jsonl'],
    ['detected by its lines, without a line end', 'x.txt', '{}', 'jsonl'],
    ['detected by its lines, packed', 'x.gz', gzipSync(LINES), 'jsonl'],
    [
      'detected by its lines, zipped',
      'x',
      zip([{ name: 'y', bytes: Buffer.from(LINES) }]),
      'jsonl',
    ],
    ['detected by its lines, in UTF-16', 'x', utf16(Buffer.from(LINES), 'le', true), 'jsonl'],
    ['detected by its lines, with a mark', 'x', `\ufeff${LINES}`, 'jsonl'],
    ['detected by a long line', 'x', `{"a": "${'x'.repeat(100_000)}"}\n`, 'jsonl'],
    ['CSV where the first line does not end', 'x', `{"a": "${'x'.repeat(2_000_000)}"}\n`, 'csv'],
    ['CSV where one line is no object', 'x', `${LINES}1,2\n`, 'csv'],
    ['CSV where lines are lists', 'x', '[1]\n[2]\n', 'csv'],
    ['CSV where an object has several lines', 'x', '{\n"a": 1\n}\n', 'csv'],
    ['CSV for an empty file', 'x', '', 'csv'],
    ['CSV for a damaged one', 'x', gzipSync(LINES).subarray(0, 12), 'csv'],
    ['what is said', 'x.csv', LINES, 'jsonl', { ...NO_SETTINGS, format: 'jsonl' }],
    ['what is said, CSV, too', 'x.jsonl', LINES, 'csv', { ...NO_SETTINGS, format: 'csv' }],
  ];
  it.each(cases)('%s', async (_, name, content, format, settings = NO_SETTINGS) => {
    const file = await write(name, content);
    const choice = await chooseFormat(await localVersion(file), name, settings);
    expect(choice).toEqual({ format, why: expect.stringMatching(/./) });
  });
});

async function describeLines(content: string | Buffer, table = TABLE) {
  const file = await write('x.jsonl', content);
  const description = await describeFile(await localVersion(file), 'x.jsonl', table, NO_SETTINGS);
  if (description.format !== 'jsonl') throw new Error('it is taken for something else');
  return description;
}

describe('a file of JSON lines has', () => {
  it('the keys of its first lines, in the order in which they come', async () => {
    const text = '{"c": 1, "a": 2}\nnonsense {\n{"z": 1\n{"b": 1, "a": 3, "é": {}}\n\n';
    const { fields, sampledLines, sampledObjects, mayHaveMoreFields, recordBytes } =
      await describeLines(text);
    expect([fields, sampledLines, sampledObjects]).toEqual([['c', 'a', 'b', 'é'], 4, 2]);
    expect(mayHaveMoreFields).toBe(false);
    expect(recordBytes).toBe(Buffer.byteLength(text) / 4);
  });

  it('more of them, perhaps, behind those', async () => {
    const text = `${LINES.repeat(5000)}{"late": 1}\n`;
    for (const table of [TABLE, undefined]) {
      const description = await describeLines(text, table);
      expect(description.fields).toEqual(['a', 'b']);
      expect(description.mayHaveMoreFields).toBe(true);
    }
  });

  it('records from its first byte on, or from behind a mark', async () => {
    expect(await describeLines(LINES)).toMatchObject({
      dataStart: 0,
      dataLine: 1,
      fields: ['a', 'b'],
    });
    expect(await describeLines(`\ufeff${LINES}`)).toMatchObject({
      dataStart: 3,
      fields: ['a', 'b'],
    });
    for (const bytes of [utf16(Buffer.from(LINES), 'be', true), zstd(Buffer.from(LINES))]) {
      const { dataStart, fields, textHead, textBytes } = await describeLines(bytes);
      expect([dataStart, fields, textBytes]).toEqual([0, ['a', 'b'], LINES.length]);
      expect(textHead?.toString()).toBe(LINES);
    }
  });

  it('keys also where the first line is long', async () => {
    const long = `{"a": "${'x'.repeat(100_000)}", "b": 1}\n`;
    expect((await describeLines(long.repeat(20))).fields).toEqual(['a', 'b']);
    expect((await describeLines(`{"a": "${'x'.repeat(2_000_000)}"}\n`)).fields).toEqual([]);
  });

  it('none where it is empty', async () => {
    for (const text of ['', '\n \n']) {
      expect(await describeLines(text)).toMatchObject({ fields: [], sampledLines: 0 });
    }
  });

  it.each([
    ['a CSV', CSV],
    ['a list over several lines', '[\n"a",\n"b"\n]\n'],
  ])('no lines that are something else: %s', async (_, text) => {
    await expect(describeLines(text)).rejects.toMatchObject({
      code: 'wrong_format',
      message: expect.stringContaining('no line begins with {'),
    });
  });

  it('lines that are damaged all the same', async () => {
    expect(await describeLines('{"a": 1\n')).toMatchObject({ sampledLines: 1, sampledObjects: 0 });
  });
});
