/** What `npm pack` takes along. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const ROOT = path.join(import.meta.dirname, '../..');

it('of data/ it takes named files: generated events, 100 MB after the demo, stay where they are', () => {
  const manifest = readFileSync(path.join(ROOT, 'package.json'), 'utf8');
  const { files } = JSON.parse(manifest) as { files: string[] };
  const packed = files.filter((name) => name.startsWith('data'));
  expect(packed).toContain('data/first_dimensions.csv');
  for (const name of packed) {
    expect(name).toMatch(/^data\/[\w-]+\.(csv|md)$/);
    expect(existsSync(path.join(ROOT, name)), name).toBe(true);
  }
});
