/** Tables in a pipe, and on terminals of every width. */
import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { formatTable } from '../../src/terminal/table.js';

const HEAD = ['load', 'file', 'state', 'read', 'started'];
const ROWS = [
  [12, 'landing/2026/november/events-1.csv.gz', 'loaded', '1,234,567', '2026-11-29 12:37:24 UTC'],
  [7, 'a.csv', 'interrupted', '5', '2026-11-29 12:37:24 UTC'],
];

describe('a table', () => {
  it('in a pipe is as wide as its cells', () => {
    expect(formatTable(HEAD, ROWS)).toBe(
      [
        'load  file                                   state             read  started',
        '  12  landing/2026/november/events-1.csv.gz  loaded       1,234,567  2026-11-29 12:37:24 UTC',
        '   7  a.csv                                  interrupted          5  2026-11-29 12:37:24 UTC',
      ].join('\n'),
    );
  });

  it('leaves out columns, then shortens names in their middle', () => {
    expect(formatTable(HEAD, ROWS, { width: 70, omissible: ['started'] })).toBe(
      [
        'load  file                                   state             read',
        '  12  landing/2026/november/events-1.csv.gz  loaded       1,234,567',
        '   7  a.csv                                  interrupted          5',
      ].join('\n'),
    );
    expect(formatTable(HEAD, ROWS, { width: 50, omissible: ['started'] })).toBe(
      [
        'load  file                  state             read',
        '  12  landing/2…s-1.csv.gz  loaded       1,234,567',
        '   7  a.csv                 interrupted          5',
      ].join('\n'),
    );
  });

  it('leaves out what has no values, only where there is no room', () => {
    const head = ['task', 'date', 'reason'];
    const rows = [
      ['silver.a', '', 'new'],
      ['silver.b', '', ''],
    ];
    expect(formatTable(head, rows)).toMatch(/^task {6}date {2}reason$/m);
    expect(formatTable(head, rows, { width: 18 })).toMatch(/^task {6}reason$/m);
  });

  it('wraps sentences at their words', () => {
    const head = ['property', 'why'];
    const rows = [['delimiter', 'all of the first 300 records have 7 fields with it']];
    expect(formatTable(head, rows, { width: 40 })).toBe(
      [
        'property   why',
        'delimiter  all of the first 300 records',
        '           have 7 fields with it',
      ].join('\n'),
    );
  });

  it('keeps whole what people type, and narrows the rest', () => {
    const head = ['report', 'shows'];
    const rows = [['a_report_with_a_long_name', 'what it shows, in a sentence']];
    const layout = { width: 42, whole: ['report'] };
    expect(formatTable(head, rows, layout)).toBe(
      [
        'report                     shows',
        'a_report_with_a_long_name  what it shows,',
        '                           in a sentence',
      ].join('\n'),
    );
    expect(formatTable(head, rows, { ...layout, width: 30 })).toContain('a_report_with_a_long_n\n');
  });

  it('becomes blocks of lines where nothing else fits', () => {
    expect(formatTable(HEAD, ROWS.slice(0, 2), { width: 30 })).toBe(
      [
        'load     12',
        'file     landing/2026/november',
        '         /events-1.csv.gz',
        'state    loaded',
        'read     1,234,567',
        'started  2026-11-29 12:37:24',
        '         UTC',
        '',
        'load     7',
        'file     a.csv',
        'state    interrupted',
        'read     5',
        'started  2026-11-29 12:37:24',
        '         UTC',
      ].join('\n'),
    );
  });

  it('leaves out of a block what has no value', () => {
    const rows = [
      ['a'.repeat(12), ''],
      ['b', 'c'.repeat(12)],
    ];
    expect(formatTable(['name', 'date'], rows, { width: 20, whole: ['name'] })).toBe(
      ['name  aaaaaaaaaaaa', '', 'name  b', 'date  cccccccccccc'].join('\n'),
    );
  });

  it('without rows shows its heads, on any width', () => {
    expect(formatTable(HEAD, [], { width: 80 })).toBe('load  file  state  read  started');
    expect(formatTable(HEAD, [], { width: 20 })).toBe('load  file  state\nread  started');
  });

  it('emphasizes its heads', () => {
    const emphasize = (text: string) => `<${text}>`;
    expect(formatTable(['a'], [['b']], { emphasize })).toBe('<a>\nb');
    expect(formatTable(['name'], [['x'.repeat(30)]], { emphasize, width: 10 })).toMatch(/^<name>/);
  });

  it('fits any terminal of 30 columns and more', () => {
    const cell = fc.oneof(
      fc.integer().map(String),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.constantFrom('中文'.repeat(20), 'two words and more of them, a sentence', ''),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 30, max: 120 }),
        fc.integer({ min: 1, max: 9 }).chain((columns) =>
          fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), {
            minLength: 1,
            maxLength: 4,
          }),
        ),
        (width, rows) => {
          const head = rows[0]!.map((_, i) => `column ${i}`);
          for (const line of formatTable(head, rows, { width }).split('\n')) {
            expect(stringWidth(line)).toBeLessThanOrEqual(width);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
