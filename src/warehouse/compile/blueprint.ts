/** What a task's table is and how its rows are made: what the run needs to know of any kind of task. */
import type {
  DimensionTask,
  FactPartitions,
  LookUp,
  Relation,
  SliceUnit,
} from '../../model/warehouse/task.js';
import type { Expr, Select } from '../../relational/tree.js';

/** Name of the source in queries. */
export const SOURCE = 'source';

/** Temporary table of keys. */
export const AFFECTED = 'edp_affected';

/** All rows; those with the keys in {@link AFFECTED}; those of some slices, as the server prints them. */
export type Within = 'all' | 'keys' | { readonly slices: readonly string[] };

/**
 * How changed rows are known: by the loads that they came with, by a column from a value on, or by their keys, each
 * a list as JSON.
 */
export type Trace =
  | { readonly loads: readonly number[] }
  | { readonly since: string }
  | { readonly keys: readonly string[] };

/** Hidden columns of {@link Blueprint.rows}: source rows in a row; those with a NULL in a look-up key. */
export const READ = 'edp_read';
export const NULL_KEY = 'edp_null_key';

export interface OrderedColumn {
  readonly relation: Relation;
  readonly column: string;
  readonly type: 'date' | 'timestamp' | 'timestamptz';
}

export interface Blueprint {
  /** `gold.job_ran_fact`. */
  readonly task: string;
  readonly relation: Relation;
  /** What tells rows apart; NULL equals NULL. */
  readonly key: readonly string[];
  /**
   * Of a table with versions, what identifies those whose versions they are: the key, without valid_from. Versions
   * follow each other without a gap, and the last is current.
   */
  readonly versionsOf?: readonly string[];
  /** Whether members may end: there may be gaps between versions then, and none need be current. */
  readonly hasEnds?: boolean;
  /** All other columns that {@link rows} gives. */
  readonly rest: readonly string[];
  /** Columns of groups that hold any of several equal values, which may be written in several ways. */
  readonly anyOfEqual?: readonly string[];
  /** Rows as they are to be, with the hidden columns where {@link isCounted}. */
  rows(within: Within): Select;
  readonly isCounted: boolean;
  /** Source rows, as an aggregate over rows of the table; absent where the table does not tell. */
  readonly reads?: Expr;
  /** Source rows with a NULL in a look-up key, by {@link slice}. */
  nullKeys?(): Select;
  /**
   * How many rows are read, and how many of them have NULL in the key, to be summed up; for those that are
   * not counted. @param by what brought the affected keys about
   */
  counts?(within: Within, by?: Trace): Select;
  /** Keys that changed rows have, to fill {@link AFFECTED}; absent where all is made anew. */
  affected?(by: Trace): Select;
  /** The column of slices, and what one is. */
  readonly slice?: { readonly column: string; readonly unit: SliceUnit; readonly type: string };
  /** How the table is divided by {@link slice}, which is in the {@link key} then: so no row moves to another partition. */
  readonly partitions?: FactPartitions;
  /** The slice of each row that is read, under the name of its column. */
  slices?(): Select;
  /** A column of the source in whose order all rows are in the order of their partitions, in UTC. */
  readonly orderedBy?: OrderedColumn;
  readonly id?: DimensionTask['idType'];
  /** Whether a row with id 0 stands for what is not known. It is no row of {@link rows}. */
  readonly hasUnknownMember: boolean;
  /** Whether its rows have the loads of edp; a column of a user may have the same name. */
  readonly hasLoads?: boolean;
  /** Whether it has dw_created_at and dw_updated_at. */
  readonly hasTimes: boolean;
  /** Whether the key is never NULL and unique. */
  readonly hasPrimaryKey: boolean;
  /** Whether {@link rows} may have several rows of one key, which is a fault of the declaration. */
  readonly mayRepeatKey: boolean;
  readonly notNull: readonly string[];
  readonly indexes: readonly (readonly string[])[];
  /** Name → SQL over the other columns. */
  readonly generated: Readonly<Record<string, string>>;
  readonly lookUps: readonly LookUp[];
  /** Keys that are looked up and not found, with their slices, for each look-up. */
  unknownKeys?(lookUp: LookUp, within: Within): Select;
}

export function dataColumns({ key, rest }: Pick<Blueprint, 'key' | 'rest'>): string[] {
  return [...key, ...rest];
}

/** What rows are derived anew by, all with one value of it together. */
export function affectedBy({
  key,
  versionsOf,
}: Pick<Blueprint, 'key' | 'versionsOf'>): readonly string[] {
  return versionsOf ?? key;
}
