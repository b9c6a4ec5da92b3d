/** `edp codegen` and `edp schema` through the life of a table, as a user runs them. */
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { holdPublication } from '../../src/codegen/hold-publication.js';
import { TARGETS } from '../../src/codegen/targets/all-targets.js';
import { edp, makeDirectory } from '../support/cli.js';
import { makeProject } from '../support/scratch.js';

const table = (columns: string, more = '') =>
  `tables:\n  accounts:\n    key: id\n    columns: { id: bigint, ${columns} }\n${more}`;

const FIRST = table('name: text, balance: numeric');
const CHANGE = 'schemas/accounts/change/v1.json';

function commandsIn(cwd: string) {
  return {
    codegen: (...args: string[]) => edp(['codegen', 'json-schema', ...args, '--json'], { cwd }),
    check: () => edp(['schema', 'check', '--json'], { cwd }),
    publish: (...args: string[]) => edp(['schema', 'publish', ...args, '--json'], { cwd }),
    diff: (...args: string[]) => edp(['schema', 'diff', ...args, '--json'], { cwd }),
    declare: (text: string) => writeFile(path.join(cwd, 'edp.yaml'), text),
    read: (name: string) => readFile(path.join(cwd, name), 'utf8'),
    list: async () =>
      (await readdir(path.join(cwd, 'schemas'), { recursive: true }))
        .filter((name) => name.endsWith('.json'))
        .sort(),
  };
}

describe('edp codegen', () => {
  it('writes what differs, and says with --check what does', async () => {
    const cwd = await makeProject(FIRST);
    const { codegen, read, list } = commandsIn(cwd);
    const missing = await codegen('--check');
    expect(missing.status, missing.stderr).toBe(4);
    expect(missing.json).toMatchObject({
      check: true,
      changed: [{ path: CHANGE, kind: 'new' }, {}],
    });
    await expect(list()).rejects.toThrow('ENOENT');
    expect((await codegen()).json).toMatchObject({
      tables: 1,
      targets: ['json-schema'],
    });
    expect(await list()).toEqual(['accounts/change/v1.json', 'accounts/realized/v1.json']);
    const text = await read(CHANGE);
    expect((await codegen('--check')).json).toMatchObject({ unchanged: 2, changed: [] });
    await writeFile(path.join(cwd, CHANGE), `${text} `);
    const edited = await codegen('--check');
    expect([edited.status, edited.json]).toMatchObject([
      4,
      { changed: [{ path: CHANGE, kind: 'changed' }] },
    ]);
    expect((await codegen()).status).toBe(0);
    expect(await read(CHANGE)).toBe(text);
  });

  it('makes all targets unless some are named, those that events do not refer to below --out', async () => {
    const cwd = await makeProject(FIRST);
    const run = (...args: string[]) => edp(['codegen', ...args, '--json'], { cwd });
    const { json } = await run('--out', 'src/made');
    expect(json).toMatchObject({ targets: Object.keys(TARGETS) });
    await readFile(path.join(cwd, CHANGE));
    await readFile(path.join(cwd, 'src/made/typescript/tables/accounts.ts'));
    expect((await run('--check', '--out', 'src/made')).status).toBe(0);
    expect((await run('--check', '--out', 'other')).status).toBe(4);
  });

  it('takes the line ends of a checkout for what they are', async () => {
    const cwd = await makeProject(FIRST);
    const { codegen, publish, read, check } = commandsIn(cwd);
    await publish();
    await writeFile(path.join(cwd, CHANGE), (await read(CHANGE)).replaceAll('\n', '\r\n'));
    expect((await codegen('--check')).status).toBe(0);
    expect((await check()).status).toBe(0);
  });

  it('removes what it has made and nobody needs, and nothing that is published or of others', async () => {
    const cwd = await makeProject(FIRST);
    const { codegen, publish, declare, list } = commandsIn(cwd);
    await publish();
    await declare(
      table('name: text', '    version: 2\n    migrations: { 2: { drop: [balance] } }\n'),
    );
    await codegen();
    await mkdir(path.join(cwd, 'schemas/other/change'), { recursive: true });
    await writeFile(path.join(cwd, 'schemas/other/change/v1.json'), '{}');
    await declare(FIRST.replace('accounts', 'people'));
    const checked = await edp(['codegen', 'json-schema', '--check', '--out', 'made'], { cwd });
    expect(checked.status).toBe(4);
    for (const line of [
      'schemas/people/change/v1.json: is missing',
      'schemas/people/realized/v1.json: is missing',
      'schemas/accounts/change/v2.json: should be gone',
      'schemas/accounts/realized/v2.json: should be gone',
    ]) {
      expect(checked.stdout).toContain(line);
    }
    expect(checked.stderr).toContain('--out changes nothing');
    const { json } = await codegen();
    expect((json as { changed: readonly object[] }).changed).toContainEqual({
      path: 'schemas/accounts/change/v2.json',
      kind: 'removed',
    });
    expect(await list()).toEqual([
      'accounts/change/v1.json',
      'accounts/realized/v1.json',
      'lock.json',
      'other/change/v1.json',
      'people/change/v1.json',
      'people/realized/v1.json',
    ]);
  });

  it('names the tables of which it makes nothing, and needs one of which it does', async () => {
    const cwd = await makeProject(`${FIRST}  log: { columns: { line: text } }\n`);
    const { codegen, declare } = commandsIn(cwd);
    expect((await codegen()).json).toMatchObject({
      others: [{ table: 'log', why: 'it has no key' }],
    });
    await declare('tables: { log: { columns: { line: text } } }\n');
    expect(await codegen()).toMatchObject({ status: 2, json: { error: { code: 'config' } } });
    const empty = await edp(['codegen', '--json'], { cwd: await makeProject(null) });
    expect(empty).toMatchObject({ status: 2, json: { error: { code: 'config' } } });
  });
});

describe('edp schema', () => {
  it('publishes a version once, and asks for the next where the model changes', async () => {
    const cwd = await makeProject(FIRST);
    const { codegen, check, publish, diff, declare, read } = commandsIn(cwd);
    expect(await check()).toMatchObject({
      status: 0,
      json: { tables: [{ state: 'unpublished' }] },
    });
    expect((await publish()).json).toMatchObject({
      published: [{ table: 'accounts', version: 1 }],
    });
    const [lock, text] = [await read('schemas/lock.json'), await read(CHANGE)];
    expect((await publish()).json).toMatchObject({ published: [], unchanged: 1, files: [] });

    // What is for people may change.
    await declare(table('name: { type: text, description: who }, balance: numeric'));
    expect((await check()).json).toMatchObject({
      needsAction: false,
      tables: [{ state: 'published' }],
    });
    expect((await codegen('--check')).status).toBe(0);

    await declare(table('name: int, score: int'));
    const changed = await check();
    expect(changed.status).toBe(4);
    expect(changed.json).toMatchObject({
      needsAction: true,
      tables: [
        {
          state: 'changed',
          compatibility: 'none',
          todo: expect.stringContaining('version: 2'),
          changes: [
            { kind: 'values', attribute: 'name', breaks: ['backward', 'forward'] },
            { kind: 'removed', attribute: 'balance', breaks: ['backward'] },
            { kind: 'added', attribute: 'score', breaks: ['forward'] },
          ],
        },
      ],
    });
    for (const refused of [await codegen(), await codegen('--check'), await publish()]) {
      expect(refused).toMatchObject({ status: 2, json: { error: { code: 'published_schema' } } });
    }
    expect([await read('schemas/lock.json'), await read(CHANGE)]).toEqual([lock, text]);

    await declare(table('name: int, score: int', '    version: 2\n'));
    expect(await check()).toMatchObject({
      status: 4,
      json: { tables: [{ state: 'next', todo: expect.stringContaining('drop: [balance]') }] },
    });
    await declare(
      table(
        'name: int, score: int',
        '    version: 2\n    migrations: { 2: { drop: [balance] } }\n',
      ),
    );
    expect(await check()).toMatchObject({
      status: 0,
      json: { tables: [{ published: 1, todo: null }] },
    });
    expect((await publish('accounts')).json).toMatchObject({ published: [{ version: 2 }] });
    expect(Object.keys(JSON.parse(await read('schemas/lock.json')))).toHaveLength(4);
    expect(await diff()).toMatchObject({
      status: 0,
      json: { tables: [{ from: 2, to: null, changes: [] }] },
    });
    const versions = await diff('accounts', '--from', 'v1', '--to', '2');
    expect([versions.status, versions.json]).toMatchObject([
      4,
      { tables: [{ from: 1, to: 2, changes: [{}, { attribute: 'balance', lifted: true }, {}] }] },
    ]);

    await declare(FIRST);
    expect(await check()).toMatchObject({ status: 4, json: { tables: [{ state: 'behind' }] } });
    await declare(FIRST.replace('accounts', 'people'));
    expect(await check()).toMatchObject({
      status: 0,
      json: { tables: [{ state: 'unpublished' }, { table: 'accounts', state: 'removed' }] },
    });
  });

  it.each([
    ['edited', async (file: string) => writeFile(file, `${await readFile(file, 'utf8')} `)],
    ['gone', async (file: string) => rm(file)],
  ])('finds a published file that was %s, and every command stops there', async (state, damage) => {
    const cwd = await makeProject(FIRST);
    const { codegen, check, publish, diff, declare } = commandsIn(cwd);
    await publish();
    // A later version does not hide it.
    await declare(table('name: text, balance: numeric, more: int', '    version: 2\n'));
    await publish();
    await damage(path.join(cwd, CHANGE));
    expect(await check()).toMatchObject({
      status: 4,
      json: { tables: [{ state: 'damaged', faults: [{ file: CHANGE, state }] }] },
    });
    for (const refused of [await codegen(), await publish(), await diff('accounts')]) {
      expect(refused).toMatchObject({ status: 2, json: { error: { code: 'published_schema' } } });
    }
  });

  it.each([
    [['diff', 'accounts'], 'usage'],
    [['diff', 'accounts', '--from', 'v7'], 'usage'],
    [['diff', '--from', 'seven'], 'usage'],
    [['check', '--from', 'v1'], 'usage'],
    [['check', 'acounts'], 'unknown_table'],
    [['publish', 'log'], 'unknown_table'],
  ])('refuses %j', async (args, code) => {
    const cwd = await makeProject(`${FIRST}  log: { columns: { line: text } }\n`);
    const result = await edp(['schema', ...args, '--json'], { cwd });
    expect(result).toMatchObject({ status: 2, json: { ok: false, error: { code } } });
  });

  it('publishes in several commands at once, and forgets nothing', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const tables = names.map((name) => `  ${name}: { key: id, columns: { id: int } }\n`).join('');
    const cwd = await makeProject(`tables:\n${tables}`);
    const { publish, check, read } = commandsIn(cwd);
    const results = await Promise.all(names.map((name) => publish(name)));
    expect(results.map(({ status }) => status)).toEqual(names.map(() => 0));
    expect(Object.keys(JSON.parse(await read('schemas/lock.json')))).toHaveLength(8);
    expect(await check()).toMatchObject({
      status: 0,
      json: { tables: names.map((table) => ({ table, state: 'published' })) },
    });
    expect(await readdir(path.join(cwd, 'schemas'))).toEqual([...names, 'lock.json']);
  });

  it.each<[string, (cwd: string) => Promise<unknown>]>([
    ['its first file', (cwd) => rm(path.join(cwd, 'schemas/accounts/realized/v1.json'))],
    ['its files', async () => {}],
  ])('goes on where one was killed behind %s, before the lock file', async (_, leave) => {
    const cwd = await makeProject(FIRST);
    const { codegen, publish, check } = commandsIn(cwd);
    await codegen();
    await leave(cwd);
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    await writeFile(path.join(cwd, 'schemas/.publishing'), `${os.hostname()} ${dead}\n`);
    await writeFile(path.join(cwd, 'schemas/.lock.json.0a1b2c3d.tmp'), '{');
    expect(await check()).toMatchObject({
      status: 0,
      json: { tables: [{ state: 'unpublished' }] },
    });
    expect((await publish()).json).toMatchObject({ published: [{ version: 1 }] });
    expect(await check()).toMatchObject({ status: 0, json: { tables: [{ state: 'published' }] } });
    expect(await readdir(path.join(cwd, 'schemas'))).not.toContain('.publishing');
  });

  it('waits for a publication of another machine, and says what holds it up', async () => {
    const cwd = await makeDirectory();
    await mkdir(path.join(cwd, 'schemas'));
    await writeFile(path.join(cwd, 'schemas/.publishing'), 'elsewhere 1\n');
    const held = holdPublication(cwd, () => Promise.reject(new Error('two at once')), 50);
    await expect(held).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('elsewhere 1'),
      hint: expect.stringContaining('remove schemas/.publishing'),
    });
    expect(await readdir(path.join(cwd, 'schemas'))).toEqual(['.publishing']);
  });

  it('reads no lock file that is none', async () => {
    const cwd = await makeProject(FIRST);
    await mkdir(path.join(cwd, 'schemas'));
    await writeFile(path.join(cwd, 'schemas/lock.json'), '[]');
    expect(await commandsIn(cwd).check()).toMatchObject({
      status: 2,
      json: { error: { code: 'config' } },
    });
  });
});
