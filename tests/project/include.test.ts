/** `include:` in edp.yaml: one project of several files. */
import { writeFileSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { addToProject, listDeclared } from '../../src/project/edit.js';
import { editProjectFile } from '../../src/project/editable.js';
import { loadProject } from '../../src/project/project.js';
import { edp, makeDirectory } from '../support/cli.js';
import { useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();

async function makeFiles(files: Readonly<Record<string, string>>): Promise<string> {
  const cwd = await makeDirectory();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(cwd, name)), { recursive: true });
    await writeFile(path.join(cwd, name), text);
  }
  return cwd;
}

const table = (name: string, column = 'id: int') =>
  `tables: { ${name}: { columns: { ${column} } } }\n`;

async function namesOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  const { model } = await loadProject(await makeFiles(files));
  return model.tables.map(({ name }) => name);
}

describe('a project of several files', () => {
  it.each<[string, Record<string, string>, string[]]>([
    [
      'one by its name',
      { 'edp.yaml': `include: a.yaml\n${table('m')}`, 'a.yaml': table('a') },
      ['m', 'a'],
    ],
    [
      'a pattern, sorted',
      {
        'edp.yaml': 'include: [w/*.yaml]\n',
        'w/b.yaml': table('b'),
        'w/a.yaml': table('a'),
        'w/c.txt': 'x',
      },
      ['a', 'b'],
    ],
    ['a pattern that matches none', { 'edp.yaml': `include: [w/*.yaml]\n${table('m')}` }, ['m']],
    [
      'paths relative to the file that includes',
      {
        'edp.yaml': 'include: w/all.yaml\n',
        'w/all.yaml': 'include: [x/a.yaml, ../b.yaml]\n',
        'w/x/a.yaml': table('a'),
        'b.yaml': table('b'),
      },
      ['a', 'b'],
    ],
    [
      'a file by two ways, once',
      {
        'edp.yaml': 'include: [a.yaml, b.yaml]\n',
        'a.yaml': `include: c.yaml\n${table('a')}`,
        'b.yaml': `include: c.yaml\n${table('b')}`,
        'c.yaml': table('c'),
      },
      ['a', 'c', 'b'],
    ],
    ['a pattern beside itself', { 'edp.yaml': 'include: "*.yaml"\n', 'a.yaml': table('a') }, ['a']],
    [
      'tables that refer to each other',
      {
        'edp.yaml': `include: a.yaml\ntables: { m: { columns: { a: { type: int, references: a } } } }\n`,
        'a.yaml': 'tables: { a: { columns: { id: int }, key: id } }\n',
      },
      ['m', 'a'],
    ],
  ])('%s', async (_, files, names) => {
    expect(await namesOf(files)).toEqual(names);
  });

  it('has the options and CSV settings of all', async () => {
    const project = await loadProject(
      await makeFiles({
        'edp.yaml': 'count: 5\ncsv: { comment: "#" }\ninclude: a.yaml\n',
        'a.yaml': 'seed: 7\ncsv: { delimiter: ";" }\n',
      }),
    );
    expect(project.options).toEqual({ count: 5, seed: 7 });
    expect(project.csv).toEqual({ comment: '#', delimiter: ';' });
  });

  it('finds files by a variable', async () => {
    process.env.EDP_TEST_INCLUDE = 'a.yaml';
    try {
      expect(
        await namesOf({ 'edp.yaml': 'include: ["${EDP_TEST_INCLUDE}"]\n', 'a.yaml': table('a') }),
      ).toEqual(['a']);
    } finally {
      delete process.env.EDP_TEST_INCLUDE;
    }
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'a table that is defined twice',
      { 'edp.yaml': `include: w/a.yaml\n\n${table('t')}`, 'w/a.yaml': `# a\n\n${table('t')}` },
      /w\/a\.yaml:3: tables\.t: edp\.yaml:3 has it, too/,
    ],
    [
      'an option that is defined twice',
      { 'edp.yaml': 'include: a.yaml\ncount: 5\n', 'a.yaml': 'count: 5\n' },
      /a\.yaml:1: count: edp\.yaml:2 has it, too/,
    ],
    [
      'a setting that is defined twice',
      { 'edp.yaml': 'include: a.yaml\ncsv: { quote: "x" }\n', 'a.yaml': '\ncsv:\n  quote: y\n' },
      /a\.yaml:3: csv\.quote: edp\.yaml:2 has it, too/,
    ],
    [
      'a fault of an included file',
      {
        'edp.yaml': 'include: w/a.yaml\n',
        'w/a.yaml': '\ntables:\n  t: { columns: { id: integre } }\n',
      },
      /w\/a\.yaml:3: tables\.t\.columns\.id: "integre" is not a column type/,
    ],
    [
      'faults of both',
      { 'edp.yaml': 'include: a.yaml\nnope: 1\n', 'a.yaml': 'neither: 1\n' },
      /edp\.yaml:2: nope: .*\n {2}a\.yaml:1: neither: /,
    ],
    [
      'a file that is no mapping',
      { 'edp.yaml': 'include: a.yaml\n', 'a.yaml': '- a\n' },
      /a\.yaml:1: /,
    ],
    [
      'a file that is missing',
      { 'edp.yaml': 'count: 5\ninclude: [a.yaml]\n' },
      /edp\.yaml:2: include: there is no file "a\.yaml"/,
    ],
    [
      'a path that is none',
      { 'edp.yaml': 'include: { a: 1 }\n' },
      /edp\.yaml:1: include: include is a path/,
    ],
    [
      'a circle',
      {
        'edp.yaml': 'include: a.yaml\n',
        'a.yaml': 'include: b.yaml\n',
        'b.yaml': 'include: a.yaml\n',
      },
      /a\.yaml includes itself: edp\.yaml → a\.yaml → b\.yaml → a\.yaml/,
    ],
    [
      'a file that is missing, beside other faults',
      {
        'edp.yaml':
          'include: [a.yaml, b.yaml]\nnope: 1\ntables: { m: { columns: { id: { type: int, references: c } } } }\n',
        'b.yaml': 'include: "${NO_SUCH_FILE}"\ncount: -1\n',
      },
      /has 4 faults:\n {2}edp\.yaml:1: include: there is no file "a\.yaml".*\n {2}edp\.yaml:2: nope: .*\n {2}b\.yaml:1: .* NO_SUCH_FILE\n {2}b\.yaml:2: count: /,
    ],
    ['itself', { 'edp.yaml': 'include: ./edp.yaml\n' }, /edp\.yaml includes itself/],
  ])('%s is a fault', async (_, files, message) => {
    const loaded = loadProject(await makeFiles(files));
    await expect(loaded).rejects.toMatchObject({ code: 'config', exitStatus: 2 });
    await expect(loaded).rejects.toThrow(message);
  });

  it('a circle by a link is one, too', async () => {
    const cwd = await makeFiles({ 'edp.yaml': 'include: a.yaml\n' });
    await symlink('edp.yaml', path.join(cwd, 'a.yaml'));
    await expect(loadProject(cwd)).rejects.toThrow('includes itself');
  });

  it('is edited in the file that declares the table', async () => {
    const cwd = await makeFiles({
      'edp.yaml': '# first\ninclude: [w/*.yaml]\n',
      'w/items.yaml':
        'tables:\n  items: # kept\n    description: things\n    columns: { id: int, kind: { type: int, references: kinds } }\n    metrics:\n      from: more\n      columns:\n        y: int # too\n',
      'w/kinds.yaml': 'tables:\n  kinds: { columns: { id: int }, key: id, owner: me }\n',
      'kinds.csv': 'id,colour\n1,red\n',
      'items.csv': 'id,kind,more\n1,1,"{""x"":1}"\n',
      'new.csv': 'a\n1\n',
    });
    const run = (...args: string[]) => edp([...args, '--database-url', database.url], { cwd });
    for (const args of [
      ['ingest', 'kinds.csv', '--on-new-column', 'add'],
      ['ingest', 'items.csv'],
      ['promote', 'x', '--type', 'int'],
      ['promote', 'x', '--type', 'bigint'],
      ['ingest', 'new.csv', '--create'],
    ]) {
      const result = await run(...args);
      expect(result, `${args.join(' ')}: ${result.stderr}`).toMatchObject({ status: 0 });
    }
    const text = (name: string) => readFile(path.join(cwd, name), 'utf8');
    expect(await text('w/items.yaml')).toMatch(
      /items: # kept\n {4}description: things[\s\S]*x: bigint/,
    );
    expect(
      await database.query(
        `SELECT count(*)::int FROM edp.changes WHERE relation = 'public.items' AND kind = 'definition'`,
      ),
    ).toEqual([[3]]);
    expect(await text('w/kinds.yaml')).toContain(
      '{ columns: { id: int, colour: text }, key: id, owner: me }',
    );
    expect(await text('edp.yaml')).toMatch(
      /^# first\ninclude: \[w\/\*\.yaml\]\n\ntables:\n {2}new:\n/,
    );
    expect(await run('ingest', 'new.csv', 'items.csv', 'kinds.csv')).toMatchObject({ status: 0 });
  });
});

it.each(['edp.yaml', 'a.yaml'])(
  'an edit is done again if another came first, in %s',
  async (changed) => {
    const cwd = await makeFiles({
      'edp.yaml': `include: a.yaml\n${table('m')}`,
      'a.yaml': table('a'),
    });
    const texts: (string | undefined)[] = [];
    const changing = path.join(cwd, changed);
    const before = await readFile(changing, 'utf8');
    let isChanged = false;
    for (const name of ['b', 'c']) {
      await editProjectFile(path.join(cwd, 'edp.yaml'), 'a', ({ file, text, others }) => {
        expect(path.basename(file)).toBe('a.yaml');
        texts.push(text);
        // Another command is faster.
        if (!isChanged) writeFileSync(changing, `# changed\n${before}`);
        isChanged = true;
        const a = listDeclared(text, others)!.find((one) => one.name === 'a')!;
        const column = { name, type: 'text', field: name, isNullable: true } as const;
        const wider = { ...a, columns: [...a.columns, column] };
        const place = () => ['tables', 'a', 'columns'];
        return addToProject(text, { place, entries: { [name]: 'text' } }, wider, others)!;
      });
    }
    const { model } = await loadProject(cwd);
    const columns = model.tables.find(({ name }) => name === 'a')!.columns.map(({ name }) => name);
    expect(columns).toEqual(['id', 'b', 'c']);
    expect(await readFile(changing, 'utf8')).toContain('# changed');
    expect(texts).toHaveLength(changed === 'a.yaml' ? 3 : 2);
  },
);
