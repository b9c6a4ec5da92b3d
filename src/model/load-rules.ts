/** The rules of a load, each with its choices. */
import { type Choices, meaningsOf, wordsOf } from './choices.js';

/** Records that a worker takes at a time, unless the user says another number. */
export const DEFAULT_READ_BATCH = 100_000;

/** What happens to a record whose key is in the table with other values. */
export interface ConflictRule {
  readonly meaning: string;
  /** Whether the record replaces the row: of two records with the same key, the last one wins. */
  readonly replacesRow: boolean;
  /** Whether a record that does not win counts as a duplicate; otherwise it is a reject. */
  readonly isDuplicate: boolean;
}

/** From the strictest to the most lenient. Code depends on these properties, never on the names. */
const conflictRules = {
  reject: {
    meaning: 'the record is rejected',
    replacesRow: false,
    isDuplicate: false,
  },
  skip: {
    meaning: 'the row is kept, and the record counts as a duplicate',
    replacesRow: false,
    isDuplicate: true,
  },
  update: {
    meaning: 'the record replaces the row',
    replacesRow: true,
    isDuplicate: false,
  },
} as const satisfies Readonly<Record<string, ConflictRule>>;

export type OnConflict = keyof typeof conflictRules;

export const CONFLICT_RULES: Readonly<Record<OnConflict, ConflictRule>> = conflictRules;
export const ON_CONFLICT = wordsOf(CONFLICT_RULES);
export const ON_CONFLICT_CHOICES = meaningsOf(CONFLICT_RULES);

/** The rules by which a record replaces the row. */
export const REPLACING = ON_CONFLICT.filter((word) => CONFLICT_RULES[word].replacesRow);

/** The most lenient of the given rules; the strictest of all rules if none is given. */
export function mostLenient(words: Iterable<OnConflict>): OnConflict {
  const places = [...words].map((word) => ON_CONFLICT.indexOf(word));
  return ON_CONFLICT[Math.max(0, ...places)]!;
}

/** What happens to a reference to a dimension member that does not exist. */
export const MISSING_DIMENSIONS_CHOICES = {
  reject: 'the record is rejected',
  infer: 'the member is added, and marked as inferred',
} as const satisfies Choices;
export type MissingDimensions = keyof typeof MISSING_DIMENSIONS_CHOICES;

const newFieldChoices = {
  reject: 'the file fails',
  ignore: 'they are ignored',
  keep: 'they are kept beside the row, in a jsonb column',
} as const satisfies Choices;

/** What happens to fields without a declared column. */
export type OnNewField = keyof typeof newFieldChoices;

export const ON_NEW_FIELD = wordsOf(newFieldChoices);

/** The same, for commands that may declare new columns before the load. */
export const ON_NEW_COLUMN_CHOICES = {
  ...newFieldChoices,
  add: 'they become columns',
} as const satisfies Choices;

/** A limit on rejects: a number of records, or a percentage of the records read. */
export interface RejectLimit {
  readonly count?: number;
  readonly percent?: number;
}
