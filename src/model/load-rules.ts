/** The rules of a load, each a list of what may be chosen. */
import { type Choices, meaningsOf, wordsOf } from './choices.js';

/** What becomes of a record whose key is in the table with other values. */
export interface ConflictRule {
  readonly meaning: string;
  /** Whether the record takes the place of the row: of two records with one key, the last one wins. */
  readonly replacesRow: boolean;
  /** Whether a record that does not win counts as a duplicate; otherwise it is a reject. */
  readonly isDuplicate: boolean;
}

/** From the strictest to the most lenient. Code asks for these properties, and for no word. */
const conflictRules = {
  reject: {
    meaning: 'the record is rejected',
    replacesRow: false,
    isDuplicate: false,
  },
  skip: {
    meaning: 'the row stays, and the record counts as a duplicate',
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

/** Words whose rule lets a record replace the row. */
export const REPLACING = ON_CONFLICT.filter((word) => CONFLICT_RULES[word].replacesRow);

/** The most lenient of them; the strictest of all, where there is none. */
export function mostLenient(words: Iterable<OnConflict>): OnConflict {
  const places = [...words].map((word) => ON_CONFLICT.indexOf(word));
  return ON_CONFLICT[Math.max(0, ...places)]!;
}

/** What to do with a reference to a dimension member that does not exist. */
export const MISSING_DIMENSIONS_CHOICES = {
  reject: 'the record is rejected',
  infer: 'the member is added, and marked as inferred',
} as const satisfies Choices;
export type MissingDimensions = keyof typeof MISSING_DIMENSIONS_CHOICES;

const newFieldChoices = {
  reject: 'the file fails',
  ignore: 'they are passed over',
  keep: 'they are kept beside the row, in a jsonb column',
} as const satisfies Choices;

/** What becomes of fields that no column is declared for. */
export type OnNewField = keyof typeof newFieldChoices;

export const ON_NEW_FIELD = wordsOf(newFieldChoices);

/** The same, where new columns may be declared before the load. */
export const ON_NEW_COLUMN_CHOICES = {
  ...newFieldChoices,
  add: 'they become columns',
} as const satisfies Choices;
export type OnNewColumn = keyof typeof ON_NEW_COLUMN_CHOICES;

/** A limit on rejects: so many records, or so many per cent of the records read. */
export interface RejectLimit {
  readonly count?: number;
  readonly percent?: number;
}
