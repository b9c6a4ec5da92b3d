/** The files of the embedded server, before it is started. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { isAlive } from '../base/alive.js';
import type { Place } from './context.js';
import { advice, type Check, command, type Found } from './finding.js';

const STATE = '.edp';

async function listVersions(directory: string): Promise<string[]> {
  const names = await readdir(path.join(directory, STATE)).catch(() => []);
  return names.filter((name) => /^pg\d+$/.test(name)).sort();
}

const crashed: Check<Place> = {
  name: 'crashed-server',
  severities: ['note'],
  looksAt: 'whether the embedded server ended without shutting down',
  why: 'its next start takes longer, since it repeats what it had not written out; nothing is lost',
  mends: 'any command that starts it',
  async look({ directory, address }) {
    if (address?.kind !== 'embedded') return [];
    const found: Found[] = [];
    for (const version of await listVersions(directory)) {
      const file = path.join(directory, STATE, version, 'data', 'postmaster.pid');
      const text = await readFile(file, 'utf8').catch(() => undefined);
      const pid = Number.parseInt(text ?? '', 10);
      if (text === undefined || isAlive(pid)) continue;
      found.push({
        severity: 'note',
        problem: `the embedded server was ended from outside (process ${pid})`,
        mend: [command('edp status')],
      });
    }
    return found;
  },
};

const olderData: Check<Place> = {
  name: 'older-data',
  severities: ['warning'],
  looksAt: 'data of the embedded server that another major version of PostgreSQL made',
  why: 'edp uses the data of its own version alone: loads before the update seem to be gone',
  mends: 'the edp of before, to take the data out',
  async look({ directory, address }) {
    if (address?.kind !== 'embedded') return [];
    const versions = await listVersions(directory);
    const { findBinaries } = await import('../postgres/embedded/binaries.js');
    const used = await findBinaries().then(
      ({ major }) => `pg${major}`,
      () => undefined,
    );
    return versions
      .filter((version) => used !== undefined && version !== used)
      .map((version) => ({
        severity: 'warning',
        problem: `.edp/${version} has data of PostgreSQL ${version.slice(2)}, and this edp uses .edp/${used}`,
        mend: [advice(`load the files again, then: rm -r .edp/${version}`)],
      }));
  },
};

const twoPlaces: Check<Place> = {
  name: 'data-at-two-places',
  severities: ['warning'],
  looksAt: 'data of the embedded server in .edp, and of the same project in /var/lib/edp',
  why: 'one of them is not used, and may be the one with the loads',
  mends: 'one place',
  async look({ directory, address }) {
    const versions = await listVersions(directory);
    if (address?.kind !== 'embedded' || versions.length === 0) return [];
    const { inspectEmbeddedServer } = await import('../postgres/embedded/embedded-server.js');
    const { dataDirectory, otherDataDirectory } = await inspectEmbeddedServer(directory);
    if (otherDataDirectory === undefined) return [];
    return [
      {
        severity: 'warning',
        problem: `there is data in ${dataDirectory}, which is used, and in ${otherDataDirectory}, which is not`,
        mend: [advice('move away the one that you do not need')],
      },
    ];
  },
};

export const EMBEDDED_CHECKS: readonly Check<Place>[] = [crashed, olderData, twoPlaces];
