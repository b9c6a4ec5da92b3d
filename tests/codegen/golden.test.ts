/**
 * What each target makes of projects/, as golden/<target>/<project>/ has it. `UPDATE_GOLDEN=1 npx vitest run
 * tests/codegen/golden.test.ts` writes them anew: read the difference before you commit it.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Target } from '../../src/codegen/codegen-target.js';
import { TARGETS, type TargetName } from '../../src/codegen/targets/all-targets.js';
import { generate, PROJECTS } from './projects.js';

const GOLDEN = path.join(import.meta.dirname, 'golden');
const isUpdate = process.env.UPDATE_GOLDEN !== undefined;

function readExpected(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)));
  return new Map(names.map((name) => [name, readFileSync(path.join(directory, name), 'utf8')]));
}

function writeExpected(directory: string, files: ReadonlyMap<string, string>): void {
  rmSync(directory, { recursive: true, force: true });
  for (const [name, text] of files) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), text);
  }
}

describe.each(Object.keys(TARGETS) as TargetName[])('the target %s', (target) => {
  it.each(PROJECTS)('makes the same files of the project %s', (project) => {
    const files = generate(target, project);
    const directory = path.join(GOLDEN, target, project);
    if (isUpdate) writeExpected(directory, files);
    expect(files.size).toBeGreaterThan(0);
    expect(Object.fromEntries(files)).toEqual(Object.fromEntries(readExpected(directory)));
    for (const [name, text] of files) {
      const { folder, files: own, lockFile }: Target = TARGETS[target];
      if (name === lockFile) continue;
      expect(text, name).toContain('Generated from edp.yaml');
      expect(name.startsWith(`${folder}/`) && own.test(name), name).toBe(true);
    }
  });
});
