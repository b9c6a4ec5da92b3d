/** The order of rooms (docs/architecture.md) against what the files of src import. */
import { describe, expect, it } from 'vitest';
import { type Room, readRooms, readSourceFiles, roomOf, type SourceFile } from './source-files.js';

const files = readSourceFiles();
const rooms = readRooms();

/** What imports against the order, or against what a room allows. */
function findFaults(sources: readonly SourceFile[], house: readonly Room[]): string[] {
  const faults: string[] = [];
  for (const { path, imports } of sources) {
    const room = roomOf(path, house);
    if (room === undefined) {
      faults.push(`${path} is in no room`);
      continue;
    }
    for (const target of imports) {
      const other = roomOf(target, house);
      if (other === undefined) faults.push(`${path} imports ${target}, which is in no room`);
      else if (house.indexOf(other) < house.indexOf(room))
        faults.push(`${path} imports ${target}: ${other.name} is above ${room.name}`);
      else if (other !== room && other.importedBy?.includes(room.name) === false)
        faults.push(`${path} imports ${target}: ${other.name} is not for ${room.name}`);
    }
  }
  return faults;
}

/** Files that import one another in a circle, each circle once. */
function findCircles(sources: readonly SourceFile[]): string[][] {
  const importsOf = new Map(sources.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const circles: string[][] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) circles.push([...trail.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    for (const target of importsOf.get(file) ?? []) visit(target, [...trail, file]);
    done.add(file);
  };
  for (const { path } of sources) visit(path, []);
  return circles;
}

const file = (path: string, ...imports: string[]): SourceFile => ({ path, lines: 1, imports });

describe('the house', () => {
  it('has rooms', () => {
    expect(rooms.length).toBeGreaterThan(15);
    expect(files.length).toBeGreaterThan(200);
    expect(files.flatMap(({ imports }) => imports).length).toBeGreaterThan(800);
  });

  it('has a use for each of them', () => {
    const used = new Set(files.map(({ path }) => roomOf(path, rooms)?.name));
    expect(rooms.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
  });

  it('is imported one way, room by room', () => {
    expect(findFaults(files, rooms)).toEqual([]);
  });

  it('has only files in it that are there', () => {
    const there = new Set(files.map(({ path }) => path.replace(/\.d\.ts$/, '.ts')));
    const missing = files.flatMap(({ path, imports }) =>
      imports.filter((target) => !there.has(target)).map((target) => `${path}: ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it('has no circle of files', () => {
    expect(findCircles(files)).toEqual([]);
  });

  it('has nothing loose at its top but cli.ts', () => {
    expect(files.map(({ path }) => path).filter((path) => !path.includes('/'))).toEqual(['cli.ts']);
  });

  it('has no room with more than a fifth of its lines', () => {
    const total = files.reduce((sum, { lines }) => sum + lines, 0);
    const large = rooms.filter((room) => {
      const own = files.filter(({ path }) => roomOf(path, rooms) === room);
      return own.reduce((sum, { lines }) => sum + lines, 0) > total / 5;
    });
    expect(large).toEqual([]);
  });

  it('has files of 120 lines or fewer, more often than not', () => {
    const lines = files.map((source) => source.lines).sort((a, b) => a - b);
    expect(lines[Math.floor(lines.length / 2)]).toBeLessThanOrEqual(120);
  });

  it('has no two files of one name', () => {
    const names = files
      .map(({ path }) => path)
      .filter((path) => !path.includes('/assembly/'))
      .map((path) => path.slice(path.lastIndexOf('/') + 1));
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });
});

describe('the test of it', () => {
  const house: Room[] = [
    { name: 'load', importedBy: undefined },
    { name: 'formats/csv', importedBy: undefined },
    { name: 'terminal', importedBy: ['load'] },
    { name: 'base', importedBy: undefined },
  ];
  it.each<[string, SourceFile, string[]]>([
    ['an import downwards is right', file('load/run.ts', 'base/errors.ts'), []],
    ['an import within a room is right', file('load/run.ts', 'load/pool.ts'), []],
    [
      'an import upwards is a fault',
      file('base/errors.ts', 'load/run.ts'),
      ['base/errors.ts imports load/run.ts: load is above base'],
    ],
    [
      'an import of a room that is for others is a fault',
      file('formats/csv/dialect.ts', 'terminal/output.ts'),
      ['formats/csv/dialect.ts imports terminal/output.ts: terminal is not for formats/csv'],
    ],
    ['a file outside of all rooms is a fault', file('stray.ts'), ['stray.ts is in no room']],
    [
      'an import from outside of all rooms is a fault',
      file('load/run.ts', 'lake/parquet.ts'),
      ['load/run.ts imports lake/parquet.ts, which is in no room'],
    ],
  ])('%s', (_, source, faults) => {
    expect(findFaults([source], house)).toEqual(faults);
  });

  it('a circle is found, whatever its length', () => {
    expect(findCircles([file('a', 'b'), file('b', 'c'), file('c', 'a', 'd'), file('d')])).toEqual([
      ['a', 'b', 'c', 'a'],
    ]);
    expect(findCircles([file('a', 'b'), file('b', 'd'), file('c', 'd'), file('d')])).toEqual([]);
  });
});
