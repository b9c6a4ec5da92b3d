/** `versions` and `snapshot` of a table in edp.yaml. */
import { z } from 'zod';

export const versionsShape = {
  versions: z
    .boolean({ error: 'expected true or false' })
    .optional()
    .describe(
      'Whether the table keeps each version of a key: a record that differs from the one before it is a row of its own',
    ),
  snapshot: z
    .enum(['full'], { error: 'snapshot is full, or left out' })
    .optional()
    .describe(
      'full: each file holds all members; those that it lacks have ended (needs versions: true)',
    ),
};

interface VersionsInput {
  readonly key?: string | readonly string[] | undefined;
  readonly lineage?: boolean | string | undefined;
  readonly versions?: boolean | undefined;
  readonly snapshot?: 'full' | undefined;
  readonly 'key-guard'?: boolean | undefined;
}

export function toVersions({ versions, snapshot }: VersionsInput): {
  readonly hasVersions?: true;
  readonly snapshot?: 'full';
} {
  if (versions !== true) return {};
  return { hasVersions: true, ...(snapshot === undefined ? {} : { snapshot }) };
}

/** Faults of a table's own declaration. */
export function findVersionFaults({
  key,
  lineage,
  versions,
  snapshot,
  'key-guard': keyGuard,
}: VersionsInput): { readonly path: readonly string[]; readonly message: string }[] {
  if (versions !== true) {
    return snapshot === undefined
      ? []
      : [
          {
            path: ['snapshot'],
            message: 'an end is a version of its own: declare `versions: true`, too',
          },
        ];
  }
  const faults: { path: string[]; message: string }[] = [];
  if (key === undefined || key.length === 0) {
    faults.push({
      path: ['versions'],
      message:
        'versions are told apart by their key: declare `key`; without one, a table keeps every record anyway',
    });
  }
  if (lineage === false) {
    faults.push({
      path: ['versions'],
      message: 'versions follow each other by their loads: leave `lineage: false` out',
    });
  }
  if (keyGuard === true) {
    faults.push({
      path: ['key-guard'],
      message:
        'a key with versions is not unique: make the key contain the columns of the partitions',
    });
  }
  return faults;
}
