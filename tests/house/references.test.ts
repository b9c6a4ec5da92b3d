/** Files that docs and comments name are there. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { globSync } from 'tinyglobby';
import { describe, expect, it } from 'vitest';

const ROOT = path.join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const find = (...patterns: string[]) => globSync(patterns, { cwd: ROOT, dot: true });

const sources = find('src/**/*.ts');
const files = [
  ...sources,
  ...find(
    'tests/**/*',
    'bench/*.md',
    'bench/**/*.ts',
    'sql/**/*',
    'docs/*',
    'data/*',
    'reports/*',
    '.ci/*',
    'examples/**/*',
    '*.*',
  ),
];
const folders = new Set(files.map((file) => `${path.posix.dirname(file)}/`));

/** Written by commands, and not kept. */
const WRITTEN = new Set(['bench/RESULTS-against.md']);

/** Whether a file or folder of the repository goes by this name, or by the end of its path. */
function isThere(name: string): boolean {
  const ends = (candidate: string) => candidate === name || candidate.endsWith(`/${name}`);
  if (WRITTEN.has(name)) return true;
  return name.endsWith('/') ? [...folders].some(ends) : files.some(ends);
}

/** A file by its path or the end of it, or a folder; not a file of a user. */
const NAMED_IN_DOCS =
  /`((?:[\w.-]+\/)*[\w.-]+\.(?:ts|sql|mjs)|(?:src|tests|bench|sql)\/[\w./-]*)`/g;
const NAMED_IN_COMMENTS =
  /(?:^\s*\*|\/\/|\/\*\*).*?(?<![\w./*])((?:[\w.-]+\/)*[\w.-]+\.(?:ts|md|sql|mjs))\b/gm;

describe('what is named is there', () => {
  it.each([...find('docs/*.md', '*.md', 'tests/**/*.md', 'bench/*.md')])('%s', (file) => {
    const text = read(file);
    const names = [...text.matchAll(NAMED_IN_DOCS)].map(([, name]) => name!);
    expect(names.filter((name) => !isThere(name))).toEqual([]);
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)[^)]*\)/g)].map(
      ([, to]) => to!,
    );
    const base = path.join(ROOT, path.dirname(file));
    expect(links.filter((link) => !existsSync(path.join(base, link)))).toEqual([]);
  });

  it.each([...sources, ...find('tests/**/*.ts', 'bench/**/*.ts'), 'rolldown.config.mjs'])(
    'comments of %s',
    (file) => {
      const names = [...read(file).matchAll(NAMED_IN_COMMENTS)].map(([, name]) => name!);
      expect(names.filter((name) => !isThere(name))).toEqual([]);
    },
  );

  it('a name that is not there is found', () => {
    expect(isThere('lanes/byte-lane.ts')).toBe(true);
    expect(isThere('byte-lane.ts')).toBe(true);
    expect(isThere('yte-lane.ts')).toBe(false);
    expect(isThere('src/lanes/')).toBe(true);
    expect(isThere('src/nothing/')).toBe(false);
  });
});
