/** The size that import is made for: 420 tables with 8,000 columns. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import type { ModelResult } from '../support/json.js';
import { LARGE_SOURCE, makeLargeSource } from '../support/large-source.js';
import { makeProject } from '../support/scratch.js';

type ModelImportJson = ModelResult<'import'>;

const source = useTestDatabase('empty');
const large = makeLargeSource(LARGE_SOURCE);
beforeAll(async () => {
  await source.query(large.statements.join(';\n'));
}, 60_000);

describe('a large source', () => {
  it('is the same for the same seed', () => {
    expect(makeLargeSource(LARGE_SOURCE)).toEqual(large);
    expect(makeLargeSource({ ...LARGE_SOURCE, seed: 2 })).not.toEqual(large);
    expect(large.tables).toHaveLength(420);
    expect(large.tables.reduce((sum, { columns }) => sum + columns, 0)).toBe(8000);
  });

  it('is imported, gives schemas that compile, and is published, each in seconds', async () => {
    const cwd = await makeProject(null);
    const env = { SOURCE_URL: source.url };
    const run = (...args: readonly string[]) => edp([...args, '--json'], { cwd, env });
    const imported = await run(
      'model',
      'import',
      '--database-url',
      source.url,
      '--out',
      'edp.yaml',
    );
    expect(imported.status, imported.stderr).toBe(0);
    const { tables, leftOut, seconds } = imported.json as ModelImportJson;
    expect(tables.length + leftOut.length).toBe(420);
    expect(leftOut).toHaveLength(large.tables.filter(({ isKeyless }) => isKeyless).length);
    expect(seconds).toBeLessThan(60);
    const generated = await run('codegen', 'json-schema');
    expect(generated.json).toMatchObject({ tables: tables.length, unchanged: 0 });
    const ajv = new Ajv2020({ strict: true });
    for (const { path: file } of (generated.json as { changed: readonly { path: string }[] })
      .changed) {
      ajv.addSchema(JSON.parse(await readFile(path.join(cwd, file), 'utf8')));
    }
    for (const { name } of tables) {
      expect(ajv.getSchema(`schemas/${name}/change/v1.json`), name).toBeTypeOf('function');
    }
    // All targets, and the same bytes once more.
    expect((await run('codegen')).status).toBe(0);
    expect(await run('codegen', '--check')).toMatchObject({ status: 0, json: { changed: [] } });
    expect((await run('schema', 'publish')).json).toMatchObject({
      files: { length: 2 * tables.length + 1 },
    });
    const check = await run('schema', 'check');
    expect(check).toMatchObject({ status: 0, json: { needsAction: false } });
    expect((check.json as { seconds: number }).seconds).toBeLessThan(30);
  }, 180_000);
});
