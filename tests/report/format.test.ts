import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FORMATS, type FormatName } from '../../src/report/format/report-format.js';
import type { MakeWriter, ResultColumn, ResultRow } from '../../src/report/format/report-writer.js';

const WRITERS = Object.fromEntries(
  await Promise.all(
    Object.entries(FORMATS).map(async ([name, format]) => [name, await format.load()] as const),
  ),
) as Record<FormatName, MakeWriter>;

const TYPES = {
  bool: 16,
  int8: 20,
  text: 25,
  json: 114,
  float8: 701,
  date: 1082,
  numeric: 1700,
  jsonb: 3802,
};

function column(name: string, type: keyof typeof TYPES = 'text'): ResultColumn {
  return { name, typeOid: TYPES[type] };
}

function write(
  format: FormatName,
  columns: readonly ResultColumn[],
  batches: readonly (readonly ResultRow[])[],
  rowsLeftOut = 0,
): string {
  const writer = WRITERS[format](columns, { safeCells: false });
  return [
    writer.head(),
    ...batches.map((batch) => writer.rows(batch)),
    writer.tail(rowsLeftOut, []),
  ].join('');
}

describe('csv', () => {
  const cases: readonly (readonly [what: string, value: string | null, field: string])[] = [
    ['a plain text', 'abc', 'abc'],
    ['NULL', null, ''],
    ['the empty string', '', '""'],
    ['a delimiter', 'a,b', '"a,b"'],
    ['a quote', 'say "x"', '"say ""x"""'],
    ['a line feed', 'a\nb', '"a\nb"'],
    ['a carriage return', 'a\rb', '"a\rb"'],
    ['spaces', ' a ', ' a '],
    ['a number', '-12.50', '-12.50'],
    ['what a spreadsheet would compute', '=1+1', '=1+1'],
    ['text outside ASCII', 'größe 😀', 'größe 😀'],
    ['a backslash', '\\N', '\\N'],
    ['the end mark of COPY', '\\.', '"\\."'],
  ];
  test.each(cases)('%s', (_, value, field) => {
    const text = write('csv', [column('a'), column('b')], [[[value, 'x']]]);
    expect(text).toBe(`a,b\n${field},x\n`);
  });

  test('the header stands alone where there are no rows', () => {
    expect(write('csv', [column('a b'), column('c,d')], [])).toBe('a b,"c,d"\n');
  });

  test('csv-parse reads back what was written, batch by batch', () => {
    const field = fc.option(
      fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', ' ') })),
    );
    const row = fc.tuple(field, field, field);
    fc.assert(
      fc.property(fc.array(fc.array(row, { minLength: 1 })), (batches) => {
        const text = write('csv', [column('a'), column('b'), column('c')], batches);
        const rows = parse(text, {
          record_delimiter: '\n',
          from_line: 2,
          cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
        });
        expect(rows).toEqual(batches.flat());
      }),
    );
  });
});

describe('json', () => {
  const cases: readonly (readonly [
    what: string,
    type: keyof typeof TYPES,
    value: string | null,
    member: string,
  ])[] = [
    ['NULL', 'int8', null, 'null'],
    ['a bigint keeps its digits', 'int8', '9223372036854775807', '9223372036854775807'],
    [
      'a numeric keeps its digits',
      'numeric',
      '0.10000000000000000000001',
      '0.10000000000000000000001',
    ],
    ['a float', 'float8', '1e+20', '1e+20'],
    ['a number JSON has not', 'float8', 'NaN', '"NaN"'],
    ['infinity', 'numeric', '-Infinity', '"-Infinity"'],
    ['true', 'bool', 't', 'true'],
    ['false', 'bool', 'f', 'false'],
    ['digits in a text', 'text', '12', '"12"'],
    ['a text', 'text', 'say "x"\n\u2028', JSON.stringify('say "x"\n\u2028')],
    ['a date', 'date', '2024-01-31', '"2024-01-31"'],
    ['jsonb as it is', 'jsonb', '{"a": [1, null]}', '{"a": [1, null]}'],
  ];
  test.each(cases)('%s', (_, type, value, member) => {
    const text = write('json', [column('a', type)], [[[value]]]);
    expect(text).toBe(`[\n{"a":${member}}\n]\n`);
    expect(() => JSON.parse(text)).not.toThrow();
  });

  test('batches are one array, and none is an empty one', () => {
    const columns = [column('a', 'int8'), column('b"')];
    expect(write('json', columns, [])).toBe('[]\n');
    const text = write('json', columns, [
      [['1', 'x']],
      [
        ['2', null],
        ['3', ''],
      ],
    ]);
    expect(JSON.parse(text)).toEqual([
      { a: 1, 'b"': 'x' },
      { a: 2, 'b"': null },
      { a: 3, 'b"': '' },
    ]);
  });

  test('two columns of one name are an error', () => {
    expect(() => write('json', [column('a'), column('b'), column('a')], [])).toThrow(/called "a"/);
  });
});

describe('table', () => {
  test('aligns, and says how many more there are', () => {
    const text = write(
      'table',
      [column('name'), column('n', 'int8')],
      [[['a', '5']], [['bb', null]]],
    );
    expect(text.split('\n').map((line) => line.trimEnd())).toEqual([
      'name  n',
      'a     5',
      'bb',
      '',
    ]);
    expect(write('table', [column('n')], [[['5']]], 12345)).toMatch(/… and 12,345 more rows/);
  });

  test('no value can move the cursor', () => {
    expect(write('table', [column('n')], [[['a\u001b[2Jb']]])).toContain('a\\x1b[2Jb');
  });
});
