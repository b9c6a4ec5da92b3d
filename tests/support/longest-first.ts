/**
 * Files that take longest begin first, so that none of them runs alone at the end. vitest goes by what each took the
 * time before, which a fresh checkout does not know, and then by its size, which for some says nothing.
 */
import path from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Short files with much to do. */
const LONG = ['golden/golden.test.ts'];

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

function isLong({ moduleId }: TestSpecification): boolean {
  const name = path.relative(path.join(import.meta.dirname, '..'), moduleId);
  return LONG.includes(name.replaceAll(path.sep, '/'));
}
