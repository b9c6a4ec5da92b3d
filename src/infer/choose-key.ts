/** The columns of a table → the one that is offered as its key. */
import type { ColumnType } from '../model/types.js';
import type { Uniqueness } from './key-candidate.js';
import { classifyKeyName, mayBeKey, rankKeyName } from './key-names.js';

/** What decides about a key, of a column. */
export interface KeyEvidence {
  readonly field: string;
  readonly type: ColumnType;
  /** Whether every record has a value. */
  readonly isComplete: boolean;
  readonly uniqueness: Uniqueness | undefined;
  /** Whether its values are whole numbers without a gap, each once. */
  readonly isSerial: boolean;
}

export interface ChosenKey {
  /** Fields, in the order of the key. */
  readonly fields: readonly string[];
  readonly why: string;
}

const KEY_TYPES: ReadonlySet<string> = new Set(['int', 'bigint', 'numeric', 'uuid', 'text']);
const TIME_TYPES: ReadonlySet<string> = new Set(['date', 'timestamp', 'timestamptz']);

/** One record differs from no other. */
const MIN_RECORDS = 2;

/**
 * @param columns in the order of the file
 * @returns undefined where no column has the name of an identifier and different values in all records
 */
export function chooseKey(
  columns: readonly KeyEvidence[],
  table: string,
  records: number,
): ChosenKey | undefined {
  if (records < MIN_RECORDS) return undefined;
  const known = columns.map(({ field, type }) => ({ field, isTime: TIME_TYPES.has(type) }));
  const [best] = columns
    .filter(
      ({ field, uniqueness, isComplete, isSerial, type }) =>
        uniqueness === 'unique' &&
        isComplete &&
        KEY_TYPES.has(type) &&
        mayBeKey(field, known, table) &&
        (isSerial || classifyKeyName(field, table) !== 'thing'),
    )
    .sort((a, b) => rankKeyName(b.field, table) - rankKeyName(a.field, table));
  if (best === undefined) return undefined;
  return {
    fields: [best.field],
    why: `its name is that of an identifier, and all ${records} records differ in it`,
  };
}
