/**
 * Tables that keep each version of a key: a row has the place of its record besides its load, and is known by its key,
 * its load and that place. Versions of a key follow each other by load, then by place.
 */

/** Byte offset of the record in its file. */
export const OFFSET_COLUMN = 'source_offset';
/** Of a table whose files hold all members: whether the row says that the member was not among them any more. */
export const ENDED_COLUMN = 'is_ended';

interface Versioned {
  readonly key: readonly string[];
  readonly lineageColumn?: string;
  readonly hasVersions?: true;
  readonly snapshot?: 'full';
}

/** The columns by which a table with versions tells rows apart, besides the declared key and the load. */
export function versionColumns({ hasVersions, snapshot }: Versioned): string[] {
  if (hasVersions !== true) return [];
  return snapshot === undefined ? [OFFSET_COLUMN] : [OFFSET_COLUMN, ENDED_COLUMN];
}

/** The columns of the primary key. */
export function physicalKey({ key, lineageColumn, hasVersions }: Versioned): readonly string[] {
  if (hasVersions !== true || lineageColumn === undefined) return key;
  return [...key, lineageColumn, OFFSET_COLUMN];
}
