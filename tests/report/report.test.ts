import { expect, test } from 'vitest';
import { EdpError } from '../../src/base/errors.js';
import { parseReport } from '../../src/report/report.js';

const FILE = 'sql/reports/x.sql';

function parse(text: string) {
  return parseReport(text, 'x', FILE);
}

test('reads a whole header', () => {
  const report = parse(`-- title: Busiest hours
-- description: The hours with the most events,
--   the first of them first.
--
-- param from timestamp: start, inclusive
-- param top integer = 10: how many: the first so many
-- param unit text = 'it''s: an hour'
-- param share numeric(10, 2) = 0.5
-- param names text[] = '{}'
--    continued
-- param zone timestamp with time zone = NULL: nothing

-- free: this comment is no header any more
SELECT :'from', :'top', :'unit', :'share', :'names', :'zone'
`);
  expect(report.title).toBe('Busiest hours');
  expect(report.description).toBe('The hours with the most events, the first of them first.');
  expect(report.parameters).toEqual([
    { name: 'from', type: 'timestamp', default: null, description: 'start, inclusive', line: 5 },
    {
      name: 'top',
      type: 'integer',
      default: '10',
      description: 'how many: the first so many',
      line: 6,
    },
    { name: 'unit', type: 'text', default: "it's: an hour", description: '', line: 7 },
    { name: 'share', type: 'numeric(10, 2)', default: '0.5', description: '', line: 8 },
    { name: 'names', type: 'text[]', default: '{}', description: ' continued', line: 9 },
    {
      name: 'zone',
      type: 'timestamp with time zone',
      default: null,
      description: 'nothing',
      line: 11,
    },
  ]);
});

test('a byte order mark and Windows line ends make no difference', () => {
  const unix = "-- title: t\n-- param a int: n\n\nSELECT :'a'\n";
  expect(parse(`\uFEFF${unix.replaceAll('\n', '\r\n')}`)).toEqual(parse(unix));
});

const FAULTS: readonly (readonly [what: string, text: string, line: number, message: RegExp])[] = [
  ['no header', 'SELECT 1', 1, /no title/],
  ['an empty file', '', 1, /no title/],
  ['no title', '-- description: d\nSELECT 1', 1, /no title/],
  ['a title below an empty line', '\n-- title: t\nSELECT 1', 1, /no title/],
  ['an unknown header line', '-- title: t\n-- author: me\nSELECT 1', 2, /"author: me"/],
  ['a second title', '-- title: t\n-- title: u\nSELECT 1', 2, /second title/],
  ['a parameter without a type', "-- title: t\n-- param a\nSELECT :'a'", 2, /"param a"/],
  ['a type that is SQL', "-- title: t\n-- param a int); x(\nSELECT :'a'", 2, /SQL type/],
  [
    'a parameter declared twice',
    "-- title: t\n-- param a int: n\n-- param a text: n\nSELECT :'a'",
    3,
    /declared twice/,
  ],
  ['a name of a model variable', '-- title: t\n-- param metric_sums int: n\nSELECT 1', 2, /own/],
  ['an unused parameter', '-- title: t\n-- param a int: n\nSELECT 1', 2, /never used/],
  [
    'a parameter used in a string only',
    "-- title: t\n-- param a int: n\nSELECT ':''a'''",
    2,
    /never used/,
  ],
  ['an undeclared parameter', "-- title: t\n\nSELECT 1,\n  :'b'", 4, /:'b' is not declared/],
  ['a raw parameter', "-- title: t\n-- param a int: n\nSELECT :a, :'a'", 3, /as it is/],
  ['an unknown raw variable', '-- title: t\nSELECT :metrics', 2, /:metrics is not known/],
  [
    'a name from a parameter',
    '-- title: t\n-- param a text: n\nSELECT :\'a\', :"a"',
    3,
    /as a name/,
  ],
  ['a positional parameter', '-- title: t\nSELECT $1', 2, /\$1 is not/],
  ['no SQL', '-- title: t\n-- that was all', 2, /not understood/],
  ['no SQL below the header', '-- title: t\n\n-- that was all', 1, /no SQL/],
  ['two statements', '-- title: t\nSELECT 1;\nDROP TABLE events', 3, /second one begins/],
];

test.each(FAULTS)('fault: %s', (_, text, line, message) => {
  let fault: unknown;
  try {
    parse(text);
  } catch (error) {
    fault = error;
  }
  expect(fault).toBeInstanceOf(EdpError);
  const { code, place, hint, message: said } = fault as EdpError;
  expect(said).toMatch(message);
  expect({ code, place }).toEqual({ code: 'report_failed', place: `${FILE}:${line}` });
  expect(hint).toBeTruthy();
});
