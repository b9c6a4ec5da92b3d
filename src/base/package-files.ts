/** Where the files of this package lie, wherever a build puts the code that asks. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

let root: URL | undefined;

/** @param file its path inside the package: `sql/ledger/`, `package.json` */
export function packageFile(file: string): string {
  root ??= findRoot();
  return fileURLToPath(new URL(file, root));
}

/** A thread or a program of its own: its file in the build, by the name of its source. */
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
