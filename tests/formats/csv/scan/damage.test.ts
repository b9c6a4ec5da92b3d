/**
 * One damaged record among sound ones costs no other, whatever was done to it: an extra or missing
 * delimiter, quote, line end or escape, or a stray byte, at any place in it.
 */
import { describe, expect, it } from 'vitest';
import { type Dialect, PLAIN_DIALECT } from '../../../../src/formats/csv/dialect.js';
import { CsvParser } from '../../../../src/formats/csv/scan/csv-parser.js';
import { CsvScanner } from '../../../../src/formats/csv/scan/csv-scanner.js';
import { RecordBatch } from '../../../../src/formats/text/record-batch.js';
import { Fault } from '../../../../src/model/reject-codes.js';
import { type TableRow, writeTable } from './dialects.js';

interface Read {
  /** Records as JSON, with how often each is there. */
  readonly records: readonly string[];
  readonly faults: number;
}

function read(text: string, dialect: Dialect): Read {
  const bytes = Buffer.from(text, 'latin1');
  const batch = new RecordBatch(text.length + 1);
  new CsvScanner(dialect).scan(bytes, bytes.length, Number.POSITIVE_INFINITY, true, batch);
  const records: string[] = [];
  let faults = 0;
  new CsvParser(dialect).parse(bytes, batch, (_, record) => {
    if (record instanceof Fault) faults++;
    else records.push(JSON.stringify(record));
  });
  return { records, faults };
}

/** Every place at which one character can be added to a record, or taken from it. */
function* damagesOf(record: string, dialect: Dialect): Generator<string> {
  const { delimiter, quote } = dialect;
  const lineEnd = dialect.lineEnd === 'cr' ? '\r' : '\n';
  for (let at = 0; at <= record.length; at++) {
    for (const extra of [delimiter, quote || '"', lineEnd, '\\', '\xff']) {
      yield record.slice(0, at) + extra + record.slice(at);
    }
    if (at < record.length) yield record.slice(0, at) + record.slice(at + 1);
  }
}

const PLAIN_ROWS: readonly TableRow[] = [
  ['1', 'alpha', '2024-01-01', '1.5'],
  ['2', 'beta', '2024-01-02', null],
  ['3', 'gamma', '2024-01-03', '2.5'],
  ['4', 'delta', '2024-01-04', '3.5'],
  ['5', 'epsilon', '2024-01-05', '4.5'],
];
const QUOTED_ROWS: readonly TableRow[] = [
  ['1', 'Smith, John', 'said "yes", twice', '1.5'],
  ['2', '', 'two\nlines', null],
  ['3', 'Doe, Jane', '{"a": 1, "b": "c"}', '2.5'],
  ['4', 'plain', '', '3.5'],
  ['5', 'Roe, R', 'O\'Neil, "Tom"', '4.5'],
];
const FOUR: Dialect = { ...PLAIN_DIALECT, fieldCount: 4 };

const FILES: readonly (readonly [name: string, Dialect, readonly TableRow[]])[] = [
  ['without quotes', FOUR, PLAIN_ROWS],
  ['with quotes', FOUR, QUOTED_ROWS],
  ['with single quotes', { ...FOUR, quote: "'" }, QUOTED_ROWS],
  ['with backslash escapes', { ...FOUR, escape: 'backslash' }, QUOTED_ROWS],
  ['between tabs', { ...FOUR, delimiter: '\t', allowsBareQuotes: true }, QUOTED_ROWS],
  ['between bars', { ...FOUR, delimiter: '||' }, QUOTED_ROWS],
  ['with CR', { ...FOUR, lineEnd: 'cr' }, PLAIN_ROWS],
];

describe('a damaged record in a file', () => {
  it.each(FILES)('%s costs no other', (_, dialect, rows) => {
    const sound = rows.map((row) => writeTable([row], dialect).slice(0, -1));
    const lineEnd = dialect.lineEnd === 'cr' ? '\r' : '\n';
    const expected = sound.map((record) => read(record, dialect).records[0]!);
    const wrong: string[] = [];
    for (const place of [0, 2, sound.length - 1]) {
      for (const damaged of damagesOf(sound[place]!, dialect)) {
        const text = sound.map((record, i) => (i === place ? damaged : record) + lineEnd).join('');
        const { records, faults } = read(text, dialect);
        const others = expected.filter((__, i) => i !== place);
        const isKept = others.every((record) => records.includes(record));
        // The damaged one may still be sound, as with a stray byte in a text. A line end in it makes two.
        const rest = records.length - others.length;
        if (!isKept || rest > 2 || (rest === 0 && faults === 0) || faults > 2) wrong.push(text);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('of several lines is one reject, and nothing in it is taken for a record', () => {
    const text = (third: string) =>
      `1,"first\nsecond, and more",x\n2,"a",y\n${third}\n4,"d",z\n5,"e\nf",w\n`;
    const three: Dialect = { ...PLAIN_DIALECT, fieldCount: 3 };
    for (const third of [
      '3,"one\n9,b,c\ntwo"x,y',
      '3,"one\ntwo,y',
      '3,"one\ntwo",x,y',
      '3,"one"two\nthree",y',
      '3,"one\n""two"",y',
    ]) {
      const { records, faults } = read(text(third), three);
      expect(records, third).toEqual([
        '["1","first\\nsecond, and more","x"]',
        '["2","a","y"]',
        '["4","d","z"]',
        '["5","e\\nf","w"]',
      ]);
      expect(faults, third).toBe(third.includes('"one"two') ? 2 : 1);
    }
  });

  it('with a quote that never closes leaves thousands of records behind it alone', () => {
    const rows = Array.from({ length: 5000 }, (_, i) => `${i},text ${i},2024-01-01\n`);
    rows[7] = '7,"text 7,2024-01-01\n';
    rows[900] = '900,short\n';
    const { records, faults } = read(rows.join(''), { ...PLAIN_DIALECT, fieldCount: 3 });
    expect(records).toHaveLength(4998);
    expect(faults).toBe(2);
  });
});
