import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { EdpError } from '../../../src/base/errors.js';
import { type CsvDescription, describeCsv } from '../../../src/formats/csv/describe-csv.js';
import { PLAIN_DIALECT } from '../../../src/formats/csv/dialect.js';
import { BUILTIN_MODEL } from '../../../src/model/builtin.js';
import type { CsvSettings } from '../../../src/model/csv-settings.js';
import { findTable } from '../../../src/model/model.js';
import { localVersion } from '../../../src/source/local-files.js';
import { makeDirectory } from '../../support/cli.js';

const DIMENSIONS = findTable(BUILTIN_MODEL, 'second_dimensions')!;
const FIELDS = ['id', 'name', 'first_dimension_id'];

async function describeBytes(bytes: string | Buffer, delimiter?: string): Promise<CsvDescription> {
  const file = path.join(await makeDirectory(), 'dimensions.csv');
  await writeFile(file, bytes);
  return describeCsv(
    await localVersion(file),
    'dimensions.csv',
    DIMENSIONS,
    delimiter === undefined ? {} : { delimiter },
  );
}

describe('dialect and header', () => {
  it.each<[string, text: string, delimiter: string, header: string[], rest: string]>([
    ['commas', 'id,name,first_dimension_id\n1,a,2\n', ',', FIELDS, '1,a,2\n'],
    ['tabs', 'id\tname\tfirst_dimension_id\n1\ta\t2\n', '\t', FIELDS, '1\ta\t2\n'],
    ['semicolons', 'id;name;first_dimension_id\n1;a,b;2\n', ';', FIELDS, '1;a,b;2\n'],
    ['bars', 'id|name|first_dimension_id\n', '|', FIELDS, ''],
    ['any order', 'name,first_dimension_id,id\n', ',', ['name', 'first_dimension_id', 'id'], ''],
    ['CRLF', 'id,name,first_dimension_id\r\n1,a,2\r\n', ',', FIELDS, '1,a,2\r\n'],
    ['no final line end', 'id,name,first_dimension_id', ',', FIELDS, ''],
    ['one column', 'id\n1\n', ',', ['id'], '1\n'],
    ['quoted names', '"id","name","first_dimension_id"\n1,a,2\n', ',', FIELDS, '1,a,2\n'],
    ['quoted names between tabs', '"id"\t"name"\t"first_dimension_id"\n1\n', '\t', FIELDS, '1\n'],
    ['blanks around names', ' id , name,first_dimension_id \n', ',', FIELDS, ''],
    ['blank lines in front', '\n\r\nid,name,first_dimension_id\n1,a,2\n', ',', FIELDS, '1,a,2\n'],
    ['names that are not known', 'x;y\n', ',', ['x;y'], ''],
    [
      'most names known wins',
      'id,x\tname\tfirst_dimension_id\n',
      '\t',
      ['id,x', 'name', 'first_dimension_id'],
      '',
    ],
    ['an empty name', 'id,,name\n', ',', ['id', 'column_2', 'name'], ''],
    ['a name twice', 'id,name,name\n', ',', ['id', 'name', 'name_2'], ''],
    ['a line end in a name', 'id,"na\nme"\n1,a\n', ',', ['id', 'na\nme'], '1,a\n'],
  ])('%s', async (_, text, delimiter, header, rest) => {
    for (const bom of ['', '\ufeff']) {
      const description = await describeBytes(bom + text);
      expect(description.recordForm.dialect).toEqual({
        ...PLAIN_DIALECT,
        delimiter,
        fieldCount: header.length,
        allowsBareQuotes: delimiter === '\t',
      });
      expect(description.fields).toEqual(header);
      const bytes = Buffer.from(bom + text);
      expect(bytes.toString('utf8', description.dataStart)).toBe(rest);
      const before = bytes
        .subarray(0, description.dataStart)
        .filter((byte) => byte === 0x0a).length;
      expect(description.dataLine).toBe(before + 1);
    }
  });

  it.each<[string, text: string, lineEnd: string, header: string[], dataStart: number]>([
    ['where no line ends in LF', 'id,name\r1,a\r', 'cr', ['id', 'name'], 8],
    ['where LF is only in quotes', 'id,name\r1,"a\nb"\r', 'cr', ['id', 'name'], 8],
    ['not where some line ends in LF', 'id,na\rme\n1,a\n', 'lf', ['id', 'na\rme'], 9],
    ['not where every CR comes with LF', 'id,"name\r\n\r\n"\r\n', 'lf', ['id', 'name'], 15],
  ])('CR ends a record %s', async (_, text, lineEnd, header, dataStart) => {
    const description = await describeBytes(text);
    expect(description.recordForm.dialect.lineEnd).toBe(lineEnd);
    expect([description.fields, description.dataStart]).toEqual([header, dataStart]);
  });

  it('the delimiter that the user names is taken, whatever the header says', async () => {
    const { recordForm, fields } = await describeBytes('id,name;x\n', ';');
    expect([recordForm.dialect.delimiter, fields]).toEqual([';', ['id,name', 'x']]);
  });

  it('keeps the header byte for byte', async () => {
    const { headerBytes } = await describeBytes('\ufeff"id", name \r\n1,a\r\n');
    expect(headerBytes.toString()).toBe('"id", name ');
  });

  it.each([
    ['an empty file', ''],
    ['a byte order mark alone', '\ufeff'],
    ['blank lines alone', '\n\r\n\n'],
  ])('%s has none', async (_, text) => {
    const { fields, headerBytes, dataStart } = await describeBytes(text);
    expect([fields, headerBytes.length, dataStart]).toEqual([[], 0, Buffer.byteLength(text)]);
  });
});

describe('the length of a record', () => {
  it.each([
    ['is the mean of the first', `id,name\n${'12,abc\n1234,"ab\n"\n'.repeat(50)}`, 9],
    ['counts blank lines in', `id,name\n${'1,a\n\n'.repeat(50)}`, 5],
    ['is taken from the head of a large file', `id,name\n${'1,abcdef\n'.repeat(200_000)}`, 9],
  ])('%s', async (_, text, recordBytes) => {
    expect((await describeBytes(text)).recordBytes).toBe(recordBytes);
  });

  it('is never zero, be there no complete record', async () => {
    for (const text of ['id,name\n', 'id,name\n1,a', 'id']) {
      expect((await describeBytes(text)).recordBytes).toBeGreaterThan(0);
    }
  });
});

describe('a file that is not plain text', () => {
  const text = 'id,name\n1,a\n';
  it.each([
    ['UTF-16, little-endian', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16, big-endian', Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
    ['UTF-16 without a mark', Buffer.from(text, 'utf16le')],
    ['gzip', gzipSync(text)],
  ])('%s is described by the text in it', async (_, bytes) => {
    const { fields, dataStart, textHead, textBytes } = await describeBytes(bytes);
    expect([fields, dataStart, textBytes]).toEqual([['id', 'name'], 8, 12]);
    expect(textHead).toEqual(Buffer.from(text));
  });

  it.each([
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 1])],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x04])],
    ['zip', Buffer.from('PK\x03\x04rest')],
    ['bzip2', Buffer.from('BZh91AY')],
  ])('%s of which nothing can be unpacked is told', async (_, bytes) => {
    const error = await describeBytes(bytes).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'corrupt_file',
      message: expect.stringMatching(/cannot be unpacked/),
      hint: expect.stringMatching(/cut off or damaged/),
    });
  });
});

describe('what is no CSV', () => {
  it.each([
    ['NUL bytes', Buffer.from('x,\0\0\0\n\0,a\n'), /NUL/],
    ['a first line without end', Buffer.alloc(300_000, 'a'), /does not end/],
    ['a header whose quote does not close', Buffer.from('id,"other\n1,a\n'), /cannot be read/],
    ['another without a name for each field', Buffer.from('id,"name\n1,a,b\n'), /cannot be read/],
  ])('%s', async (_, bytes, message) => {
    const error = await describeBytes(bytes).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(EdpError);
    expect(error).toMatchObject({ code: 'not_csv', message: expect.stringMatching(message) });
    expect((error as EdpError).hint).toBeTruthy();
  });

  it.each<[string, text: string, settings: CsvSettings]>([
    ['in a small file', 'k,v\n1,a\n2,b\0c\n3,d\n', {}],
    [
      'where the delimiter is named',
      `k,v\n${'12,some text\n'.repeat(20)}1,${'\0'.repeat(12)}\n`,
      { delimiter: ',' },
    ],
  ])('few NUL bytes are damage of their records: %s', async (_, text, settings) => {
    const file = path.join(await makeDirectory(), 'new.csv');
    await writeFile(file, text);
    const version = await localVersion(file);
    const { fields } = await describeCsv(version, 'new.csv', undefined, settings);
    expect(fields).toEqual(['k', 'v']);
  });

  it('a quote that is never closed in a header that is known is ignored', async () => {
    const { fields, dataStart } = await describeBytes('id,"name\n1,a\n');
    expect([fields, dataStart]).toEqual([['id', 'name'], 9]);
  });

  it('NUL bytes behind a header that is known are for the records to tell', async () => {
    const { fields, dataStart } = await describeBytes('id,name\n1,\0\n');
    expect([fields, dataStart]).toEqual([['id', 'name'], 8]);
  });

  it('a file that cannot be read is another matter', async () => {
    const directory = await makeDirectory();
    const describePath = async (file: string, name: string) =>
      describeCsv(await localVersion(file, name), name, DIMENSIONS, {});
    await expect(describePath(directory, 'data')).rejects.toMatchObject({
      code: 'io',
    });
    await expect(describePath(path.join(directory, 'no.csv'), 'no.csv')).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('no.csv'),
    });
  });
});
