/** The tables of codes, from which docs/codes.md is made, against what the program raises. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/base/error-codes.js';
import { REJECT_CODES } from '../../src/model/reject-codes.js';
import { readSourceFiles } from './source-files.js';

const SRC = path.join(import.meta.dirname, '../../src');

/** All of src but the tables themselves. */
const program = readSourceFiles()
  .filter(({ path: file }) => !/(?:error|reject)-codes\.ts$/.test(file))
  .map(({ path: file }) => readFileSync(path.join(SRC, file), 'utf8'))
  .join('\n');

/** Of each kind, the call that raises a code. */
const KINDS = [
  { kind: 'an error', codes: ERROR_CODES, raise: /\bEdpError\(\s*'([^']+)'/g },
  { kind: 'a reject', codes: REJECT_CODES, raise: /\b(?:Fault|fault)\(\s*'([^']+)'/g },
];

describe.each(KINDS)('a code of $kind', ({ codes, raise }) => {
  const names = Object.keys(codes);

  it.each(names)('%s is raised', (name) => {
    // Not toContain, which prints the whole program where it fails.
    expect(program.includes(`'${name}'`), `'${name}' stands nowhere in src`).toBe(true);
  });

  it('is in the table where it is raised', () => {
    const raised = [...program.matchAll(raise)].map(([, name]) => name!);
    expect(raised.length).toBeGreaterThan(names.length);
    expect([...new Set(raised)].filter((name) => !names.includes(name))).toEqual([]);
  });

  it('has a meaning and a remedy, each a sentence', () => {
    for (const [name, { meaning, remedy }] of Object.entries(codes)) {
      expect(`${meaning}\n${remedy}`, name).toMatch(/^[A-Z`].*\.\n[A-Z`].*\.$/);
    }
  });
});
