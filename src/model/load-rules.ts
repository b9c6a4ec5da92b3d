/** The rules of a load, each a list of what may be chosen. Options, checks, help and docs are made of these. */

/** What to do with a record whose key is in the table with other values. */
export const ON_CONFLICT = ['reject', 'skip', 'update'] as const;
export type OnConflict = (typeof ON_CONFLICT)[number];

/** What to do with a reference to a dimension member that does not exist. */
export const MISSING_DIMENSIONS = ['reject', 'infer'] as const;
export type MissingDimensions = (typeof MISSING_DIMENSIONS)[number];

/** What becomes of fields that no column is declared for. */
export const ON_NEW_FIELD = ['reject', 'ignore', 'keep'] as const;
export type OnNewField = (typeof ON_NEW_FIELD)[number];

/** The same, where new columns may be declared before the load. */
export const ON_NEW_COLUMN = [...ON_NEW_FIELD, 'add'] as const;
export type OnNewColumn = (typeof ON_NEW_COLUMN)[number];

/** A limit on rejects: so many records, or so many per cent of the records read. */
export interface RejectLimit {
  readonly count?: number;
  readonly percent?: number;
}
