/** What a thread loads when it starts: each library is read and compiled in each thread anew. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { globSync } from 'tinyglobby';
import { expect, it } from 'vitest';

const SOURCES = path.join(import.meta.dirname, '../../src');

/** Libraries of the command line and of the project. */
const NOT_FOR_THREADS = ['zod', 'yaml', 'yargs', 'tinyglobby'];

/** An import of values; those of types alone are gone from the build. */
const IMPORT = /^(?:import|export)\s+(?!type\b)(?:([^;']*?)\s+from\s+)?'([^']+)';/gm;

function valueImports(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)]
    .filter(([, names]) => !isOfTypes(names ?? ''))
    .map(([, , target]) => target!);
}

function isOfTypes(names: string): boolean {
  const parts = /^\{([\s\S]*)\}$/
    .exec(names)?.[1]
    ?.split(',')
    .map((part) => part.trim());
  return parts?.filter(Boolean).every((part) => part.startsWith('type ')) ?? false;
}

/** The files from a program to each library that it loads at its start. */
function librariesOf(program: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const seen = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const here = [...trail, path.relative(SOURCES, file)];
    for (const target of valueImports(file)) {
      if (!target.startsWith('.')) found.set(target, found.get(target) ?? here);
      else visit(path.join(path.dirname(file), target.replace(/\.js$/, '.ts')), here);
    }
  };
  visit(program, []);
  return found;
}

const programs = globSync(['**/*-worker.ts', '**/*-thread.ts', '**/*-program.ts'], {
  cwd: SOURCES,
});

it('the programs of threads are found', () => {
  expect(programs).toContain('load/load-worker.ts');
  expect(programs.length).toBeGreaterThan(4);
});

it.each(programs)('%s loads no library of the command line', (program) => {
  const libraries = librariesOf(path.join(SOURCES, program));
  expect([...libraries.keys()].length).toBeGreaterThan(0);
  const faults = NOT_FOR_THREADS.filter((name) => libraries.has(name));
  expect(faults.map((name) => [name, libraries.get(name)])).toEqual([]);
});

it('a library would be found', () => {
  expect(librariesOf(path.join(SOURCES, 'model/schema.ts')).get('zod')).toEqual([
    'model/schema.ts',
  ]);
});
