/** Any target is written, compared and cleaned up in the same way, at the root or below --out. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Catalogue, toCatalogue } from '../../src/codegen/catalogue.js';
import type { Target } from '../../src/codegen/codegen-target.js';
import { planFiles } from '../../src/codegen/plan-files.js';
import { jsonSchema } from '../../src/codegen/targets/json-schema/json-schema.js';
import { kotlin } from '../../src/codegen/targets/kotlin/kotlin.js';
import { proto } from '../../src/codegen/targets/proto/proto.js';
import { writeChanges } from '../../src/codegen/write-files.js';
import { GENERATED } from '../../src/events/event-schema.js';
import { parseModel } from '../../src/model/schema.js';
import { makeDirectory } from '../support/cli.js';

const notes: Target = {
  describe: 'a note of each table',
  isAtRoot: false,
  folder: 'notes',
  files: /^notes\/[^/]+\.md$/,
  *generate({ tables }) {
    for (const { name, version } of tables) {
      yield { path: `notes/${name}.md`, text: `# ${name} ${version}\n${GENERATED}\n` };
    }
  },
};

function catalogueOf(...names: string[]): Catalogue {
  const table = { key: 'id', columns: { id: 'int' as const } };
  return toCatalogue(parseModel(Object.fromEntries(names.map((name) => [name, table]))));
}

async function listAll(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();
}

describe('files of a target', () => {
  it.each([
    ['made', 'made/notes'],
    ['.', 'notes'],
    ['a/../b', 'b/notes'],
  ])(
    'stand below --out %s, are compared there, and go where nothing needs them',
    async (out, folder) => {
      const directory = await makeDirectory();
      const plan = (...names: string[]) =>
        planFiles({ directory, out }, [notes], catalogueOf(...names), new Map());
      const first = await plan('a', 'b');
      expect(first.changes.map(({ path: file, kind }) => [file, kind])).toEqual([
        [`${folder}/a.md`, 'new'],
        [`${folder}/b.md`, 'new'],
      ]);
      await writeChanges(directory, first.changes);
      expect(await plan('a', 'b')).toEqual({ changes: [], unchanged: 2 });
      await writeFile(path.join(directory, folder, 'a.md'), 'edited');
      await writeFile(path.join(directory, folder, 'ours.md'), 'of somebody else');
      await mkdir(path.join(directory, folder, 'deep'));
      await writeFile(path.join(directory, folder, 'deep/c.md'), GENERATED);
      const second = await plan('a', 'd');
      expect(second.unchanged).toBe(0);
      expect(second.changes.map(({ path: file, kind }) => [file, kind])).toEqual([
        [`${folder}/a.md`, 'changed'],
        [`${folder}/d.md`, 'new'],
        [`${folder}/b.md`, 'removed'],
      ]);
      await writeChanges(directory, second.changes);
      expect(await listAll(directory)).toEqual(
        ['a.md', 'd.md', 'deep/c.md', 'ours.md'].map((name) => `${folder}/${name}`),
      );
    },
  );

  it('are those of the targets that were asked for, and no other is touched', async () => {
    const directory = await makeDirectory();
    const place = { directory, out: 'made' };
    const both = await planFiles(place, [jsonSchema, notes], catalogueOf('a'), new Map());
    await writeChanges(directory, both.changes);
    const only = await planFiles(place, [notes], catalogueOf('b'), new Map());
    expect(only.changes.map(({ path: file, kind }) => [file, kind])).toEqual([
      ['made/notes/b.md', 'new'],
      ['made/notes/a.md', 'removed'],
    ]);
    await writeChanges(directory, only.changes);
    expect(await listAll(directory)).toEqual([
      'made/notes/b.md',
      'schemas/a/change/v1.json',
      'schemas/a/realized/v1.json',
    ]);
    expect(await readFile(path.join(directory, 'made/notes/b.md'), 'utf8')).toContain('# b 1');
  });
});

it('a lock file is given to its target, and missed where files were made by it', async () => {
  const directory = await makeDirectory();
  const counting: Target = {
    ...notes,
    lockFile: 'notes.lock.json',
    *generate(catalogue, lock = '0') {
      yield* notes.generate(catalogue);
      yield { path: 'notes.lock.json', text: String(Number(lock) + 1) };
    },
  };
  const plan = () => planFiles({ directory, out: 'made' }, [counting], catalogueOf('a'), new Map());
  await writeChanges(directory, (await plan()).changes);
  const file = path.join(directory, 'made/notes.lock.json');
  expect(await readFile(file, 'utf8')).toBe('1');
  expect((await plan()).changes).toEqual([
    { path: 'made/notes.lock.json', kind: 'changed', text: '2' },
  ]);
  await rm(file);
  await expect(plan()).rejects.toThrow(
    'made/notes.lock.json is missing, and made/notes/a.md was made by it',
  );
  await rm(path.join(directory, 'made'), { recursive: true });
  expect((await plan()).changes).toHaveLength(2);
});

it('a target has the names of the lock file that another one makes, and misses it in the same way', async () => {
  const directory = await makeDirectory();
  const plan = (target: Target, ...columns: string[]) => {
    const table = { key: 'id', columns: Object.fromEntries(columns.map((one) => [one, 'int'])) };
    const catalogue = toCatalogue(parseModel({ t: table as never }));
    return planFiles({ directory, out: 'made' }, [target], catalogue, new Map());
  };
  const service = async (...columns: string[]) => {
    const { changes } = await plan(kotlin, ...columns);
    return changes.find(({ path: file }) => file.endsWith('/TJdbcService.kt'))!.text;
  };
  expect(await service('id', 'x y', 'x_y')).toContain('row.int(2) { message.setXY(it) }');
  await writeChanges(directory, (await plan(proto, 'id', 'x_y')).changes);
  // The other column has the name, since it was there first.
  expect(await service('id', 'x y', 'x_y')).toContain('row.int(2) { message.setXYV2(it) }');
  expect((await plan(kotlin, 'id', 'x_y')).changes.map(({ path: file }) => file)).not.toContain(
    'made/fields.lock.json',
  );
  await rm(path.join(directory, 'made/fields.lock.json'));
  await expect(service('id', 'x_y')).rejects.toThrow('made/fields.lock.json is missing');
});
