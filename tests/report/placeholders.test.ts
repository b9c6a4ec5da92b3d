import { describe, expect, test } from 'vitest';
import { findPlaceholders } from '../../src/report/placeholders.js';

const CASES: readonly (readonly [what: string, sql: string, found: string])[] = [
  ['a value', "SELECT :'from'", 'value from'],
  ['two values, one twice', "SELECT :'a', :'b', :'a'", 'value a, value b, value a'],
  ['a value with a cast', "SELECT :'a'::int", 'value a'],
  ['a cast is no placeholder', "SELECT x::int, '1'::numeric(10,2)", ''],
  ['a cast of a value to a quoted type', 'SELECT :\'a\'::"my type"', 'value a'],
  ['a raw one', 'SELECT :metric_sums FROM events', 'raw metric_sums'],
  ['a quoted name', 'SELECT :"column" FROM t', 'identifier column'],
  ['a positional one', 'SELECT $1, $12', 'positional 1, positional 12'],
  ['in a string', "SELECT 'at :''from'' :x $1', :'a'", 'value a'],
  ['in a string right after another', "SELECT 'it''s' ':x' , :'a'", 'value a'],
  ['in a string that ends in a backslash', "SELECT 'c:\\', :'a'", 'value a'],
  ['in an escape string', "SELECT E'it\\'s :x', :'a'", 'value a'],
  ['in an escape string with doubled quotes', "SELECT e'it''s :x', :'a'", 'value a'],
  ['a name that ends in e before a string', "SELECT date'2024-01-01\\', :'a'", 'value a'],
  ['in a quoted name', 'SELECT "a:b", "say "":x""", :\'a\'', 'value a'],
  ['in a line comment', "SELECT 1 -- :'x' :y $1\n, :'a'", 'value a'],
  ['in a block comment', "SELECT /* :'x' '\" */ :'a'", 'value a'],
  ['in a nested comment', "SELECT /* /* :x */ :y */ :'a'", 'value a'],
  ['in a comment without an end', "SELECT :'a' /* :x", 'value a'],
  ['in a dollar quote', "SELECT $$ :x ' $1 $$, :'a'", 'value a'],
  ['in a dollar quote with a tag', "SELECT $q$ $$ :x $$ $q$, :'a'", 'value a'],
  ['a name with a dollar', "SELECT a$b$ , :'a' , c$b$", 'value a'],
  ['comment marks in a string', "SELECT '--', '/*', :'a'", 'value a'],
  ['a slice of an array', 'SELECT a[1:2], a[lo:hi], a[:hi]', ''],
  ['a value as a bound of a slice', "SELECT a[1:'2'::int], a[:'n'::int]", 'value n'],
  ['a raw one after a slice', 'SELECT a[lo:hi], :x', 'raw x'],
  ['an assignment', 'SELECT f(a := 1)', ''],
  ['a colon and a string that is no name', "SELECT :'a b', :''", ''],
  ['a JSON path', "SELECT j @? '$.a ? (@ > $x)', :'a'", 'value a'],
  ['a name outside ASCII', "SELECT :'größe'", 'value größe'],
  ['a string without an end', "SELECT ' :'a'", ''],
];

test.each(CASES)('%s', (_, sql, found) => {
  const { placeholders } = findPlaceholders(sql);
  expect(placeholders.map(({ kind, name }) => `${kind} ${name}`).join(', ')).toBe(found);
  for (const { name, start, end } of placeholders) {
    expect(sql.slice(start, end)).toContain(name);
    expect(sql.slice(start, end)).toMatch(/^[:$].*\w['"]?$/);
  }
});

describe('statements', () => {
  const code: readonly (readonly [what: string, sql: string, second: string | undefined])[] = [
    ['one', 'SELECT 1', undefined],
    ['one with an end', 'SELECT 1;\n-- done\n', undefined],
    ['one with two ends', 'SELECT 1;;', undefined],
    ['a semicolon in a string', "SELECT ';' AS a", undefined],
    ['two', 'SELECT 1; DROP TABLE events', 'DROP'],
    ['two with a comment between', 'SELECT 1; /* now */ COMMIT;', 'COMMIT'],
    ['a string after the end', "SELECT 1; 'x'", "'x'"],
  ];
  test.each(code)('%s', (_, sql, second) => {
    const found = findPlaceholders(sql);
    expect(found.hasCode).toBe(true);
    expect(found.secondStatement).toBe(second === undefined ? undefined : sql.indexOf(second));
  });

  test.each(['', '-- only\n/* comments */ ;'])('none: %j', (sql) => {
    expect(findPlaceholders(sql).hasCode).toBe(false);
  });
});
