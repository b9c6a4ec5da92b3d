/**
 * Last step of the build: makes `edp` available to the npm scripts of a checkout. npm links the
 * programs of dependencies into node_modules/.bin, but not the package's own.
 */
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { packageFile } from '../base/package-files.js';

const root = packageFile('.');
const cli = packageFile('dist/cli.js');
chmodSync(cli, 0o755);

if (existsSync(path.join(root, 'node_modules')) && process.platform !== 'win32') {
  const bin = path.join(root, 'node_modules', '.bin');
  mkdirSync(bin, { recursive: true });
  rmSync(path.join(bin, 'edp'), { force: true });
  symlinkSync(path.relative(bin, cli), path.join(bin, 'edp'));
}
