/** Where tests stand: in the room of what they test, or in a folder that is a kind of test of its own. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { globSync } from 'tinyglobby';
import { describe, expect, it } from 'vitest';
import { importedFiles, readRooms, roomOf } from './source-files.js';

const ROOT = path.join(import.meta.dirname, '../..');

/** What is no mirror of a room: bench/, the faults, what the server agrees with, what a warehouse promises, whole commands, the repository, and what tests share. */
const OF_THEIR_OWN = [
  'agreement',
  'bench',
  'faults',
  'golden',
  'house',
  'nodes',
  'promise',
  'support',
];

/** Files that need a room above their own, and why. */
const REACHING_UP: Readonly<Record<string, string>> = {
  'formats/text/read-text.test.ts': 'text is cut by a format, here by that of CSV',
  'lanes/loading.ts': 'references are collected as the sinks of a load collect them',
};

const rooms = readRooms();
const files = globSync('tests/**/*.ts', { cwd: ROOT })
  .map((name) => name.replaceAll(path.sep, '/').slice('tests/'.length))
  // What targets of codegen make is no test.
  .filter((name) => !name.startsWith('codegen/golden/'))
  .filter((name) => !OF_THEIR_OWN.includes(name.split('/')[0]!));

describe('the tests', () => {
  it('are there', () => {
    expect(files.length).toBeGreaterThan(70);
  });

  it('are in folders that src has, too', () => {
    const folders = new Set(files.map((name) => path.posix.dirname(name)));
    expect([...folders].filter((folder) => !existsSync(path.join(ROOT, 'src', folder)))).toEqual(
      [],
    );
  });

  it('import of src only their own room and the rooms below it', () => {
    const others = files.filter((name) => !(name in REACHING_UP));
    const faults = others.flatMap((name) => {
      const own = roomOf(name, rooms);
      if (own === undefined) return [`${name} is in no room`];
      const text = readFileSync(path.join(ROOT, 'tests', name), 'utf8');
      return importedFiles(text, `tests/${name}`)
        .filter((target) => target.startsWith('src/'))
        .map((target) => roomOf(target.slice('src/'.length), rooms))
        .filter((room) => room !== undefined && rooms.indexOf(room) < rooms.indexOf(own))
        .map((room) => `${name} imports from ${room!.name}`);
    });
    expect(faults).toEqual([]);
  });
});
