/** The parser for large texts gives the values that the careful one gives, or leaves the text to it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { preparePlainParser, readPlainValue } from '../../src/project/plain-value.js';
import { ProjectPart } from '../../src/project/project-part.js';

beforeAll(preparePlainParser);

const ENVIRONMENT = { A: 'a value', B: '' };
/** Makes any text a large one. */
const PADDING = `\n# ${'x'.repeat(40_000)}\n`;

function read(text: string) {
  const { value, faults, lacks } = new ProjectPart({ name: 'edp.yaml', text }, ENVIRONMENT);
  return { value, lacks, faults: faults.map(({ line, message }) => ({ line, message })) };
}

const isPlain = (text: string) => readPlainValue(text + PADDING, ENVIRONMENT) !== undefined;

describe('a large text', () => {
  it.each([
    [
      'block maps',
      'tables:\n  a:\n    columns:\n      x: int # a comment\n      y: { type: text }\n',
    ],
    [
      'scalars',
      'a: [0x1F, 0o17, 017, 1_000, 0b1, 1e3, .5, 1., -0, +1, .inf, ~, null, "", yes, 1:20]\n',
    ],
    [
      'texts',
      "a: 'it''s'\nb: \"\\u00e9 \\\\ \\n\"\nc: x\n  y\n\n  z\nd: |\n  a\n   b\ne: >-\n  a\n  b\n",
    ],
    ['variables', 'a: ${A}\nb: "x ${B} $${A}"\nc: [ "${A}${A}" ]\n'],
    ['an alias', 'a: &x { b: "$${A}" }\nc: *x\n'],
    ['numbers as keys', 'migrations: { 2: { drop: [a] }, 1.0: x }\n'],
    ['Windows', 'a: 1\r\nb:\r\n  - x\r\n'],
    ['nothing', '# only a comment\n'],
  ])('of %s has the same value', (_, text) => {
    expect(read(text + PADDING)).toEqual(read(text));
  });

  it.each([
    ['a key that is NULL', 'null: 1\n'],
    ['an impossible name', 'tables: { __proto__: 1 }\n'],
    ['a variable that is not there', 'a: ${C}\n'],
    ['a key twice', 'a: 1\na: 2\n'],
    ['no YAML', 'a: [1\nb: 2\n'],
    ['numbers that are texts', 'silver:\n  a:\n    columns: { x: { values: { a: [007] } } }\n'],
  ])('with %s is left to the careful parser', (_, text) => {
    expect(isPlain(text)).toBe(false);
    expect(read(text + PADDING)).toEqual(read(text));
  });

  it('that lacks only a variable of the address of the source is read in the fast way', () => {
    const text = `capture: { source: { database-url: "x\${C}" } }\n`;
    expect(isPlain(text)).toBe(true);
    expect(read(text + PADDING)).toEqual(read(text));
    expect(read(text).lacks).toEqual(['the environment has no variable C']);
  });

  it('is left to the careful parser as long as the other one is not loaded', async () => {
    vi.resetModules();
    const fresh = await import('../../src/project/plain-value.js');
    expect(fresh.readPlainValue(`a: 1${PADDING}`, ENVIRONMENT)).toBeUndefined();
    await fresh.preparePlainParser();
    expect(fresh.readPlainValue(`a: 1${PADDING}`, ENVIRONMENT)).toMatchObject({ value: { a: 1 } });
  });

  it('of any value that YAML can write is the same', () => {
    const key = fc.oneof(
      fc.string({ minLength: 1, maxLength: 6 }),
      fc.constantFrom('0x1', '1.5', 'true', 'no', '007', '-', '<<', 'a b'),
    );
    const scalar = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.double({ noNaN: true }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom('${A}', '$${A}', '1e3', '~', 'a: b', '# c', '- x', 'x\ny\n', '\ty', '  z'),
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        scalar,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, value), fc.constantFrom(20, 80, 0), (data, lineWidth) => {
        const text = stringify(data, { lineWidth });
        expect(read(text + PADDING)).toEqual(read(text));
      }),
      { numRuns: 500 },
    );
  });

  it('of our own examples is the same, and is read in the fast way', () => {
    const root = path.join(import.meta.dirname, '../..');
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (name) => /^(examples|tests)\/.*\.ya?ml$/.test(name) && !name.includes('node_modules'),
    );
    expect(files.length).toBeGreaterThan(10);
    for (const name of files) {
      const text = readFileSync(path.join(root, name), 'utf8');
      expect(read(text + PADDING), name).toEqual(read(text));
    }
    expect(
      files.filter((name) => isPlain(readFileSync(path.join(root, name), 'utf8'))).length,
    ).toBeGreaterThan(files.length / 2);
  });
});
