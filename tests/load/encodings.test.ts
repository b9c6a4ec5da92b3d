/** Files in encodings other than UTF: what comes into the table, and that nothing else is lost. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import iconv from 'iconv-lite';
import { expect, it } from 'vitest';
import { libraryName } from '../../src/model/encodings.js';
import { makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { runnerFor } from '../support/scratch.js';

const database = useTestDatabase('empty');
const run = runnerFor(database);

const RUSSIAN = ['Москва', 'Казань', 'улица, дом 5', 'Новгород "Великий"'];
const JAPANESE = ['東京都', '大阪, 府', 'こんにちは', 'ソ"表"能'];
const CHINESE = ['北京市', '上海, 市', '你好世界', '中文 "测试"'];
const KOREAN = ['서울특별시', '부산, 광역시', '안녕하세요', '한국 "어"'];
const WESTERN = ['café', 'Zürich, CH', 'naïve', 'they’re "here"'];

interface EncodedFile {
  readonly encoding: string;
  readonly words: readonly string[];
  /** Bytes of a value that are no character; none where each byte is one. */
  readonly bad?: string;
  readonly delimiter?: string;
  readonly isDetected?: boolean;
  readonly isPacked?: boolean;
}

const FILES: readonly EncodedFile[] = [
  { encoding: 'windows-1251', words: RUSSIAN, bad: 'x\x98', isDetected: true },
  { encoding: 'koi8-r', words: RUSSIAN, delimiter: '|', isDetected: true },
  { encoding: 'cp866', words: RUSSIAN, isPacked: true },
  { encoding: 'mac-roman', words: WESTERN, isDetected: true },
  { encoding: 'iso-8859-15', words: WESTERN.slice(0, 3) },
  { encoding: 'windows-1253', words: ['Αθήνα', 'Πάτρα, GR'], bad: '\xd2' },
  { encoding: 'shift_jis', words: JAPANESE, bad: 'x\x81', isDetected: true },
  { encoding: 'shift_jis', words: JAPANESE, bad: '\xff\x93\x8c', delimiter: '|' },
  { encoding: 'euc-jp', words: JAPANESE, bad: '\x8f\xa2', isDetected: true, isPacked: true },
  { encoding: 'gb18030', words: CHINESE, bad: 'x\xff', delimiter: ';', isDetected: true },
  { encoding: 'gbk', words: CHINESE, bad: '\x81' },
  { encoding: 'big5', words: ['台北市', '高雄, 市', '功"許"蓋'], bad: '\xa4' },
  { encoding: 'euc-kr', words: KOREAN, bad: '\xff\xff', isDetected: true },
  { encoding: 'utf-32be', words: CHINESE },
];

const RECORDS = 120;

function fileOf({ encoding, words, bad, delimiter = ',', isPacked }: EncodedFile): Buffer {
  const value = (i: number) => `"${words[i % words.length]!.replaceAll('"', '""')}"`;
  const encode = (text: string) => iconv.encode(text, libraryName(encoding), { addBOM: false });
  const record = (i: number) => encode(`${i}${delimiter}${value(i)}\n`);
  const good = Array.from({ length: RECORDS }, (_, i) => record(i));
  const worse =
    bad === undefined ? [] : [encode(`77${delimiter}`), Buffer.from(`${bad}\n`, 'latin1')];
  const bytes = Buffer.concat([
    encode(`id${delimiter}name\n`),
    ...good.slice(0, 60),
    ...worse,
    ...good.slice(60),
  ]);
  return isPacked === true ? gzipSync(bytes) : bytes;
}

it('load in splits of any size, whether named or detected', async () => {
  const cwd = await makeDirectory();
  const names = FILES.map((_, i) => `e${i}x.csv`);
  const tables = FILES.map(
    ({ encoding, isDetected }, i) =>
      `  e${i}x: { columns: { id: int, name: text }${isDetected ? '' : `, csv: { encoding: ${encoding} }`} }\n`,
  );
  await writeFile(path.join(cwd, 'edp.yaml'), `tables:\n${tables.join('')}`);
  for (const [i, file] of FILES.entries()) {
    await writeFile(path.join(cwd, names[i]!), fileOf(file));
  }
  const { json, stderr } = await run(cwd, 'ingest', ...names, '--read-batch-size', '7');
  for (const [i, { encoding, words, bad }] of FILES.entries()) {
    const file = json.files[i]!;
    const rejected = bad === undefined ? 0 : 1;
    expect(file, stderr).toMatchObject({
      status: 'loaded',
      dialect: { encoding },
      rows: { read: RECORDS + rejected, loaded: RECORDS, rejected },
      passedOver: { header: 1 },
    });
    const rows = await database.query(`SELECT id, name FROM e${i}x ORDER BY id`);
    expect(rows, encoding).toEqual(
      Array.from({ length: RECORDS }, (_, id) => [id, words[id % words.length]]),
    );
    const [[size]] = (await database.query('SELECT text_bytes FROM edp.loads WHERE load_id = $1', [
      file.loadId,
    ])) as [[number]];
    const bytes = Object.values(file.byteCounts!).reduce((sum, count) => sum + count, 0);
    expect(bytes, encoding).toBe(size);
    const verified = await run(cwd, 'verify', `${file.loadId}`);
    expect(verified.json, verified.stdout).toMatchObject({ ok: true });
  }
  const codes = await database.query('SELECT DISTINCT code FROM edp.rejects');
  expect(codes).toEqual([['invalid_utf8']]);
}, 120_000);

it('keep the bytes of the file in their rejects where a character is a byte', async () => {
  const cwd = await makeDirectory();
  const text = iconv.encode('id,name\n1,Казань\nx,Москва\n', 'windows-1251');
  await writeFile(
    path.join(cwd, 'edp.yaml'),
    'tables: { kept: { columns: { id: int, name: text } } }',
  );
  await writeFile(path.join(cwd, 'kept.csv'), text);
  const { json } = await run(cwd, 'ingest', 'kept.csv', '--encoding', 'CP1251');
  expect(json.rows).toMatchObject({ loaded: 1, rejected: 1 });
  const [[raw]] = (await database.query(
    `SELECT raw FROM edp.rejects WHERE load_id = ${json.files[0]!.loadId}`,
  )) as [[Buffer]];
  expect(raw).toEqual(text.subarray(text.lastIndexOf('x')).subarray(0, raw.length));
  await writeFile(
    path.join(cwd, 'edp.yaml'),
    'tables: { kept: { columns: { id: { type: int, nulls: x }, name: text } } }',
  );
  const replayed = await run(cwd, 'replay', `${json.files[0]!.loadId}`);
  expect(replayed.json.rows).toMatchObject({ loaded: 1 });
  expect(await database.query('SELECT name FROM kept ORDER BY name DESC')).toEqual([
    ['Москва'],
    ['Казань'],
  ]);
});

it('a byte beyond the samples that is no UTF-8 is a reject, and the run says what helps', async () => {
  const cwd = await makeDirectory();
  const lines = Array.from({ length: 90_000 }, (_, i) => `${i},a word and another ${i}\n`);
  const at = 71_234;
  const bytes = Buffer.concat([
    Buffer.from(`id,name\n${lines.slice(0, at).join('')}`),
    Buffer.from(`${at},caf\xe9\n`, 'latin1'),
    Buffer.from(lines.slice(at + 1).join('')),
  ]);
  await writeFile(path.join(cwd, 'late.csv'), bytes);
  await writeFile(
    path.join(cwd, 'edp.yaml'),
    'tables:\n  late: { columns: { id: int, name: text } }\n',
  );
  const loaded = await run(cwd, 'ingest', 'late.csv');
  expect(loaded.json.rows, loaded.stderr).toMatchObject({ loaded: 89_999, rejected: 1 });
  const { loadId } = loaded.json.files[0]!;
  expect(loaded.stderr).toMatch(
    new RegExp(
      `one record of late\\.csv had bytes .*edp undo ${loadId}, .*--encoding windows-1252`,
    ),
  );
  await run(cwd, 'undo', String(loadId), '--yes');
  const again = await run(cwd, 'ingest', 'late.csv', '--encoding', 'windows-1252');
  expect(again.json.rows).toMatchObject({ loaded: 90_000, rejected: 0 });
  expect(again.stderr).not.toContain('had bytes');
});

it.each([
  { bad: '\\ud800', isReported: false },
  { bad: '\xff', isReported: true },
])('another encoding is proposed only for bytes that are no text: $bad', async (at) => {
  const cwd = await makeDirectory();
  await writeFile(path.join(cwd, 'edp.yaml'), 'tables:\n  halves: { columns: { a: text } }\n');
  const lines = Buffer.from(`{"a":"x"}\n{"a":"${at.bad}"}\n`, 'latin1');
  await writeFile(path.join(cwd, 'halves.jsonl'), lines);
  const { status, stderr } = await run(cwd, 'ingest', 'halves.jsonl');
  expect(status, stderr).toBe(3);
  expect(stderr.includes('bytes that are no text in its encoding'), stderr).toBe(at.isReported);
});

it('where all records have bytes of another encoding, that is said, and nothing of their types', async () => {
  const cwd = await makeDirectory();
  await writeFile(path.join(cwd, 'edp.yaml'), 'tables:\n  czech: { columns: { a: text } }\n');
  await writeFile(path.join(cwd, 'czech.csv'), Buffer.from('a\n\x9elu\x9d\nk\xf9\xf2\n', 'latin1'));
  const { status, stderr, json } = await run(cwd, 'ingest', 'czech.csv');
  expect(status, stderr).toBe(3);
  expect(json.rows).toMatchObject({ loaded: 0, rejected: 2 });
  expect(stderr).toMatch(/2 records of czech\.csv had bytes .*edp undo .*--encoding/);
  expect(stderr).not.toContain('model infer');
});
