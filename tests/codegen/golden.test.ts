/**
 * What each target makes of the projects in golden/: `edp.yaml` beside the files. `UPDATE_GOLDEN=1 npx vitest run
 * tests/codegen/golden.test.ts` writes them anew: read the difference before you commit it.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { toCatalogue } from '../../src/codegen/catalogue.js';
import { TARGETS } from '../../src/codegen/targets.js';
import { toModel } from '../../src/model/schema.js';
import { parseProject } from '../../src/project/parse.js';

const GOLDEN = path.join(import.meta.dirname, 'golden');
const isUpdate = process.env.UPDATE_GOLDEN !== undefined;

function generate(directory: string): Map<string, string> {
  const text = readFileSync(path.join(directory, 'edp.yaml'), 'utf8');
  const { tables = {}, capture } = parseProject(text);
  const catalogue = toCatalogue(toModel(tables), capture);
  const files = Object.values(TARGETS).flatMap((target) => [...target.generate(catalogue)]);
  return new Map(files.map((file) => [file.path, file.text]));
}

function readExpected(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'edp.yaml')
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)));
  return new Map(names.map((name) => [name, readFileSync(path.join(directory, name), 'utf8')]));
}

function writeExpected(directory: string, files: ReadonlyMap<string, string>): void {
  rmSync(path.join(directory, 'schemas'), { recursive: true, force: true });
  for (const [name, text] of files) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), text);
  }
}

describe.each(readdirSync(GOLDEN))('the project %s', (name) => {
  const directory = path.join(GOLDEN, name);
  const files = generate(directory);
  if (isUpdate) writeExpected(directory, files);

  it('gives the same files', () => {
    expect(files.size).toBeGreaterThan(0);
    expect(Object.fromEntries(files)).toEqual(Object.fromEntries(readExpected(directory)));
  });

  it('gives schemas that a strict validator compiles', () => {
    const ajv = new Ajv2020({ strict: true });
    for (const [file, text] of files) {
      const schema = JSON.parse(text);
      expect(schema.$comment, file).toContain('Generated from edp.yaml');
      ajv.addSchema(schema);
    }
    for (const file of files.keys()) expect(ajv.getSchema(file), file).toBeTypeOf('function');
  });
});
