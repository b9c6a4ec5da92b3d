/** The libraries of charts and files are loaded by the reports that need them, and by nothing else. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const DIST = path.join(import.meta.dirname, '../../dist');
const HEAVY = /node_modules\/(@observablehq|d3|linkedom|hyparquet-writer|yazl)/;

/** Files that a file of dist imports before it runs, and what these import. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  for (const [, name] of text.matchAll(/(?:from|import)\s*["'](\.[^"']+\.js)["']/g)) {
    loadedBy(path.resolve(path.dirname(file), name!), seen);
  }
  return seen;
}

function sourcesOf(file: string): string[] {
  // A chunk that only passes names on has no map.
  if (!existsSync(`${file}.map`)) return [];
  return (JSON.parse(readFileSync(`${file}.map`, 'utf8')) as { sources: string[] }).sources;
}

function isHeavy(file: string): boolean {
  return sourcesOf(file).some((source) => HEAVY.test(source));
}

it('what each command loads has none of them', () => {
  const chunks = readdirSync(path.join(DIST, 'chunks')).filter((name) => name.endsWith('.js'));
  const all = chunks.map((name) => path.join(DIST, 'chunks', name));
  expect(all.filter(isHeavy).length).toBeGreaterThanOrEqual(3);
  const commands = all.filter((file) =>
    sourcesOf(file).some((source) => /src\/commands\/.*\.command\.ts$/.test(source)),
  );
  expect(commands.length).toBeGreaterThan(5);
  const programs = ['cli.js', 'load/load-worker.js'].map((name) => path.join(DIST, name));
  for (const file of [...programs, ...commands]) {
    expect([...loadedBy(file)].filter(isHeavy), path.relative(DIST, file)).toEqual([]);
  }
});
