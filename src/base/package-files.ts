/** Locates the files of this package, wherever the build puts the code that asks. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

let root: URL | undefined;

/** @param file its path inside the package: `sql/ledger-migrations/`, `package.json` */
export function packageFile(file: string): string {
  root ??= findRoot();
  return fileURLToPath(new URL(file, root));
}

/** The built file of a thread or of a separate program, by the name of its source. */
export function programFile(name: string): string {
  return packageFile(`dist/${name}.js`);
}

export function edpVersion(): string {
  const manifest = readFileSync(packageFile('package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

function findRoot(): URL {
  let directory = new URL('./', import.meta.url);
  while (!existsSync(new URL('package.json', directory))) {
    const parent = new URL('../', directory);
    if (parent.href === directory.href) throw new Error('edp lies outside of its package');
    directory = parent;
  }
  return directory;
}
