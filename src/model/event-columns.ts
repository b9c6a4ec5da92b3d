/** Names of columns that edp adds to tables which it folds from change events. */

/** The column with the last sequence that the row has. */
export const SEQUENCE_COLUMN = 'change_sequence';

/** The column with the time of the delete, unless the table declares another one. */
export const DEFAULT_SOFT_DELETE = 'deleted_at';
