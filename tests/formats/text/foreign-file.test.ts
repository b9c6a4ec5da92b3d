/** What is told of files that hold no records, and which files are still read. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  assertNoMagic,
  assertPlainArchive,
  findForeignText,
  isBinary,
} from '../../../src/formats/text/foreign-file.js';

const PRETTY = '{\n  "name": "x",\n  "records": [\n    { "id": 1 }\n  ]\n}\n';

describe('a text', () => {
  it.each<[text: string, what: RegExp]>([
    ['<!DOCTYPE html>\n<html><body>404</body></html>', /HTML/],
    ['\n\n<html lang="en">\n', /HTML/],
    ['\ufeff<?xml version="1.0"?>\n<a/>', /XML/],
    ['<root>\n <item id="1">a</item>\n</root>', /XML/],
    ['<ns:root xmlns:ns="u"><ns:a>1,2</ns:a></ns:root>', /XML/],
    ['[{"id":1,"v":2},{"id":2,"v":3}]', /JSON array/],
    ['[\n  {\n    "id": 1\n  }\n]\n', /JSON array/],
    ['[]', /JSON array/],
    ['[[1,"a"],[2,"b"]]', /JSON array/],
    ['["id","name"]\n[1,"a"]\n[2,"b"]\n', /arrays, one in each line/],
    [PRETTY, /JSON document/],
    ['{\r\n\t"a": [\r\n\t\t1\r\n\t]\r\n}', /JSON document/],
    ['{ "id": 1,\n  "v": 2 }\n', /JSON document/],
    ['-- MySQL dump 10.13\n--\n\n/*!40101 SET NAMES utf8 */;\nDROP TABLE IF EXISTS `a`;\n', /SQL/],
    ['--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n', /SQL/],
    ["CREATE TABLE a (id int, name text);\nINSERT INTO a VALUES (1, 'x');\n", /SQL/],
    ["INSERT INTO sales (id, v) VALUES (1, 'a');\n", /SQL/],
    ['PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n', /SQL/],
    ['COPY a (id, name) FROM stdin;\n1\ta\n', /SQL/],
  ])('%j is told', (text, what) => {
    expect(findForeignText(Buffer.from(text), true)?.what).toMatch(what);
    const long = Buffer.from(text + ' '.repeat(100));
    if (!/^\[\]/.test(text)) expect(findForeignText(long, false)?.what).toMatch(what);
  });

  it.each([
    'id,name\n1,a\n',
    '[UNIXTIME],[READTIME],[DELTA]\n1,2,3\n',
    '[id]\n1\n',
    '[1],[2]\n[3],[4]\n',
    '{time},{read}\n1,2\n',
    '{"id":1}\n{"id":2}\n',
    '{"id":1}\n',
    '{"id":{"a":[1]}}\n{"id":2}',
    '<time>,<v>\n1,2\n',
    '<b>,</b>\n1,2\n',
    '# a comment\nid,name\n',
    '-- a comment\nid,name\n1,a\n',
    'create table,name\n1,a\n',
    'select,insert,drop\n1,2,3\n',
    'begin,end\n1,2\n',
    'use,set\n1,2\n',
    'set a,set b\n1,2\n',
    'json\n"{""a"": 1}"\n',
    'xml\n<a>1</a>\n',
    '',
  ])('%j is none of them', (text) => {
    expect(findForeignText(Buffer.from(text), true)).toBeUndefined();
  });
});

describe('bytes', () => {
  it.each<[head: string, what: RegExp]>([
    ['%PDF-1.7\n', /PDF/],
    ['\x89PNG\r\n\x1a\n\0\0', /PNG/],
    ['PAR1\x15\x04', /Parquet/],
    ['SQLite format 3\0', /SQLite/],
    ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0', /Excel/],
    ['\xfd7zXZ\0', /xz/],
    [`name.csv${'\0'.repeat(249)}ustar\0`, /tar/],
  ])('of %j are told', (head, what) => {
    expect(() => assertNoMagic(Buffer.from(head, 'latin1'), 'a.csv')).toThrow(what);
  });

  it.each(['PAR,id\n', '%PDF\n', 'GIF,a\n', 'ORC,id\n1,2\n', 'Object,id\n', 'PGD,MP\n'])(
    'of %j are text',
    (head) => {
      expect(() => assertNoMagic(Buffer.from(head), 'a.csv')).not.toThrow();
    },
  );

  it('at random are no text', () => {
    const blocks = Array.from({ length: 64 }, (_, i) =>
      createHash('sha256').update(`${i}`).digest(),
    );
    const random = Buffer.concat(blocks);
    for (const length of [200, 1000, 2048]) {
      expect(isBinary(Buffer.from(random.subarray(0, length).map((byte) => byte || 1)))).toBe(true);
    }
    const fields = 'a\x01b\x01c\x02\n\x1f\t\x1b[0m\r\n';
    expect(isBinary(Buffer.from(fields.repeat(4) + 'text and more of it\n'.repeat(30)))).toBe(
      false,
    );
    expect(isBinary(Buffer.from('a\x01b\x01\x1fc\n'.repeat(100)))).toBe(false);
    expect(isBinary(Buffer.from('Привет, 東京\n'.repeat(100)))).toBe(false);
  });

  it('of an archive are told by the files in it', () => {
    const check = (...entries: string[]) => assertPlainArchive(entries, 'a.zip');
    expect(() => check('[Content_Types].xml', 'xl/workbook.xml')).toThrow(/Excel workbook/);
    expect(() => check('mimetype', 'content.xml')).toThrow(/OpenDocument/);
    expect(() => check('a.csv', 'b.csv')).not.toThrow();
  });
});
