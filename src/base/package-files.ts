/** Locates the files of this package, wherever the build puts the code that asks. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

let root: URL | undefined;

/** @param file its path inside the package: `sql/ledger/`, `package.json` */
export function packageFile(file: string): string {
  root ??= findRoot();
  return fileURLToPath(new URL(file, root));
}

/** The built file of a thread or of a separate program, by the name of its source. */
export function programFile(name: string): string {
  return packageFile(`dist/${name}.js`);
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
