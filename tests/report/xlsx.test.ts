/** Workbooks: their cells, and what LibreOffice reads from them, against the CSV of the same report. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { xlsxWriter } from '../../src/report/format/xlsx/report-xlsx.js';
import { cellMaker, textCell } from '../../src/report/format/xlsx/sheet-cells.js';
import { columnLetters } from '../../src/report/format/xlsx/workbook-parts.js';
import { type Cell, ODD_REPORT, parseCsv, TYPES, withFile, writeBytes } from './odd-values.js';
import { SLOW, startProject, type TestProject } from './setup.js';

const hasOffice = spawnSync('soffice', ['--version']).status === 0;
const why = hasOffice ? '' : ' (skipped: soffice is not there)';

const OID = {
  int8: 20,
  float8: 701,
  numeric: 1700,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
};

describe('a cell', () => {
  it.each([
    ['int8', '42', '<c r="A1" s="2"><v>42</v></c>'],
    ['int8', '999999999999999', '<c r="A1" s="2"><v>999999999999999</v></c>'],
    ['int8', '1000000000000001', textCell('A1', '1000000000000001')],
    ['int8', '-9223372036854775808', textCell('A1', '-9223372036854775808')],
    ['numeric', '1.10', '<c r="A1" s="0"><v>1.10</v></c>'],
    ['numeric', '0.000123456789012345', '<c r="A1" s="0"><v>0.000123456789012345</v></c>'],
    ['numeric', '1.2345678901234567', textCell('A1', '1.2345678901234567')],
    ['numeric', 'NaN', textCell('A1', 'NaN')],
    ['float8', '0.1', '<c r="A1" s="0"><v>0.1</v></c>'],
    ['float8', '1.2345678901234567', '<c r="A1" s="0"><v>1.2345678901234567</v></c>'],
    ['float8', '1e+300', '<c r="A1" s="0"><v>1e+300</v></c>'],
    ['float8', '-Infinity', textCell('A1', '-Infinity')],
    ['date', '1900-03-01', '<c r="A1" s="3"><v>61</v></c>'],
    ['date', '1900-02-28', textCell('A1', '1900-02-28')],
    ['date', 'infinity', textCell('A1', 'infinity')],
    ['timestamp', '2024-01-31 06:00:00', '<c r="A1" s="4"><v>45322.25</v></c>'],
    ['timestamp', '2024-01-31 06:00:00.5', '<c r="A1" s="5"><v>45322.250005787035</v></c>'],
    ['timestamptz', '2024-01-31 06:00:00+00', '<c r="A1" s="6"><v>45322.25</v></c>'],
  ] as const)('of %s %s', (type, value, expected) => {
    expect(cellMaker(OID[type])('A1', value)).toBe(expected);
  });

  it.each([
    ['=1+1', '<c r="A1" s="8" t="inlineStr"><is><t>=1+1</t></is></c>'],
    ['a & <b>', '<c r="A1" t="inlineStr"><is><t>a &amp; &lt;b&gt;</t></is></c>'],
    [' x\n', '<c r="A1" t="inlineStr"><is><t xml:space="preserve"> x\n</t></is></c>'],
    ['_x0041_\u0001\r', '<c r="A1" t="inlineStr"><is><t>_x005F_x0041__x0001__x000D_</t></is></c>'],
  ])('of text %j', (value, expected) => {
    expect(textCell('A1', value)).toBe(expected);
  });

  it('has the letters of its column', () => {
    expect([0, 25, 26, 701, 702, 16_383].map(columnLetters)).toEqual([
      'A',
      'Z',
      'AA',
      'ZZ',
      'AAA',
      'XFD',
    ]);
  });
});

describe('what does not fit into a sheet is an error with the remedy', () => {
  it('a long text', async () => {
    const writer = xlsxWriter([{ name: 'body', typeOid: 25 }], { safeCells: false });
    await writer.rows([['x'.repeat(32_767)]]);
    await expect(writer.rows([['x'.repeat(32_768)]])).rejects.toMatchObject({
      code: 'report_failed',
      message: 'column "body" of row 2 has 32,768 characters, a cell of Excel no more than 32,767',
      hint: expect.stringMatching(/left\(body, 32767\)/),
    });
  });

  it(
    'the row behind 1,048,575',
    async () => {
      const writer = xlsxWriter([{ name: 'n', typeOid: 23 }], { safeCells: false });
      const batch = Array.from({ length: 1023 }, () => ['1']);
      for (let i = 0; i < 1025; i++) await writer.rows(batch);
      await expect(writer.rows([['1']])).rejects.toMatchObject({
        message: 'the report has more than 1,048,575 rows, a sheet no more',
        hint: expect.stringMatching(/csv or parquet/),
      });
    },
    SLOW,
  );
});

describe('on a server', () => {
  let project: TestProject;
  beforeAll(async () => {
    project = await startProject();
  }, SLOW);
  afterAll(() => project.stop(), SLOW);

  it(
    'a workbook has a bold, frozen header with a filter, and says what it is',
    async () => {
      const bytes = await writeBytes(project.client, ODD_REPORT, 'xlsx');
      const part = (name: string) =>
        withFile('a.xlsx', bytes, async (file) =>
          execFileSync('unzip', ['-p', file, name]).toString(),
        );
      const sheet = await part('xl/worksheets/sheet1.xml');
      expect(sheet).toContain('state="frozen"');
      expect(sheet).toMatch(/<autoFilter ref="A1:V20"\/><\/worksheet>$/);
      expect(sheet).toMatch(/<col min="1" max="1" width="12"/);
      expect(sheet).not.toContain('<f>');
      const about = await part('xl/worksheets/sheet2.xml');
      expect(about).toContain('2026-01-02 03:04:05 UTC');
      expect(about).toContain('Odd &lt;values&gt; &amp; "quotes"');
    },
    SLOW,
  );

  it.skipIf(!hasOffice)(
    `LibreOffice reads the values of the CSV${why}`,
    async () => {
      const [head, ...expected] = parseCsv(await writeBytes(project.client, ODD_REPORT, 'csv'));
      const bytes = await writeBytes(project.client, ODD_REPORT, 'xlsx');
      const rows = await withFile('a.xlsx', bytes, async (file, folder) => {
        const profile = `-env:UserInstallation=file://${path.join(folder, 'profile')}`;
        // UTF-8, values and not what is shown of them.
        const filter = 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false';
        execFileSync(
          'soffice',
          ['--headless', profile, '--convert-to', filter, '--outdir', folder, file],
          { stdio: 'pipe' },
        );
        return parseCsv(await readFile(path.join(folder, 'a.csv')));
      });
      expect(rows[0]).toEqual(head);
      const differences: string[] = [];
      for (const [r, row] of expected.entries()) {
        for (const [c, cell] of row.entries()) {
          const found = rows[r + 1]?.[c] ?? null;
          if (!isSame(TYPES[c] ?? 'text', cell, found))
            differences.push(`${TYPES[c]}: ${cell} is ${found}`);
        }
      }
      expect(differences).toEqual([]);
    },
    SLOW,
  );
});

/** As far as a CSV of LibreOffice tells: it has no NULL, and writes numbers, times and booleans its own way. */
function isSame(type: string, cell: Cell, found: Cell): boolean {
  if (cell === null || cell === '') return found === null || found === '';
  if (found === null) return false;
  if (cell === found) return true;
  if (type === 'boolean')
    return found === (cell === 't' ? 'TRUE' : 'FALSE') || Number(found) === (cell === 't' ? 1 : 0);
  if (type.startsWith('timestamp')) return found === shownMoment(cell);
  if (type === 'text') return cell.replaceAll('\r', '\n') === found.replaceAll('\r', '\n');
  if (/^-?[\d.e+-]+$/i.test(cell) && /^-?[\d.e+-]+$/i.test(found)) {
    const [a, b] = [Number(cell), Number(found)];
    return a === b || Math.abs(a - b) <= Math.abs(a) * 1e-14;
  }
  return false;
}

/** `2024-01-31 06:00:00.123456+00` is shown as `2024-01-31 06:00:00.123 UTC`. */
function shownMoment(cell: string): string {
  const [, start, fraction, zone] = /^([^.+]+)(?:\.(\d+))?(\+00)?$/.exec(cell)!;
  const millis = fraction === undefined ? '' : `.${fraction.slice(0, 3).padEnd(3, '0')}`;
  return `${start}${millis}${zone === undefined ? '' : ' UTC'}`;
}
