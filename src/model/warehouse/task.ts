/**
 * What the tasks of a warehouse are, as plain data: declared in edp.yaml, resolved against the tables that
 * edp loads. A task makes one table or view.
 */
import type { Expression } from '../expression.js';
import type { Notes } from '../model.js';
import type { PartitionUnit } from '../partitions.js';

export const TASK_KINDS = ['silver', 'dimension', 'fact', 'model', 'view'] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

/** What `edp.task_runs.state` may be. */
export const TASK_RUN_STATES = ['done', 'unchanged', 'failed', 'skipped'] as const;

export const SLICE_UNITS = ['day', 'hour', 'month'] as const;
export type SliceUnit = (typeof SLICE_UNITS)[number];

export interface Layers {
  /** Schema of each layer. */
  readonly bronze: string;
  readonly silver: string;
  readonly gold: string;
}

export const USUAL_LAYERS: Layers = { bronze: 'public', silver: 'silver', gold: 'gold' };

/** A table or view of the database. */
export interface Relation {
  readonly schema: string;
  readonly name: string;
}

/** What a task reads: a task of the project, or a relation that edp did not make as a task. */
export interface Source {
  /** `silver.members` of a task; undefined for anything else. */
  readonly task?: string;
  readonly relation: Relation;
  /** The lineage column of a table that `tables:` declares and edp loads. */
  readonly lineageColumn?: string;
  /** The primary key of a declared table. */
  readonly key?: readonly string[];
  /** Of a declared table that keeps each version of a member. */
  readonly versions?: {
    /** What identifies a member: the declared key. */
    readonly key: readonly string[];
    /** Whether some of its rows say that a member has ended. */
    readonly hasEnds: boolean;
  };
  /** Whether edp realize makes it. */
  readonly isRealized?: true;
  /** Of the history of a realized table: what identifies a member, each state of which it has. */
  readonly statesOf?: readonly string[];
  /** Of a realized table, or its history: rows with a value in this column are not there any more, and do not count. */
  readonly goneBy?: string;
}

/**
 * How a source says that members ended: by rows of their own, or, as a history does, by versions that end
 * before the next one begins, or without a next one; of silver (gaps), or of a realized table (states).
 */
export type Ends = 'rows' | 'gaps' | 'states';

interface TaskBase extends Notes {
  /** `silver.members`, `gold.job_ran_fact`. */
  readonly name: string;
  readonly relation: Relation;
  readonly checks: readonly Check[];
}

export const TRUNCATIONS = ['second', 'minute', 'hour', 'day', 'month', 'year'] as const;

/** One column of a silver table. */
export interface SilverColumn extends Notes {
  readonly name: string;
  /** A column of the source, or SQL of the user over columns of the source. */
  readonly from: { readonly column: string } | { readonly sql: string };
  /** Type to cast to, as in SQL. */
  readonly type?: string;
  /** A time zone: the source's local time → UTC (a timestamp without zone), or a timestamptz → UTC. */
  readonly timezone?: string;
  readonly truncate?: (typeof TRUNCATIONS)[number];
  /** Value → its spellings in the source. What is none of them stays as it is. */
  readonly values?: Readonly<Record<string, readonly string[]>>;
  /** What becomes of a value that cannot be cast. */
  readonly onError: 'fail' | 'null';
}

/** From when a version is valid. */
export interface History {
  /** A column of the source. */
  readonly by: string;
  /** Of a `by` without zone. */
  readonly timezone?: string;
  readonly ends?: Ends;
}

export interface SilverTask extends TaskBase {
  readonly kind: 'silver';
  readonly source: Source;
  readonly key: readonly string[];
  readonly columns: readonly SilverColumn[];
  /** SQL over the source's columns. */
  readonly where?: string;
  /** A column of the source. */
  readonly latestBy?: string;
  /** Every version of a key is kept. */
  readonly history?: History;
  readonly incrementalBy?: { readonly column: string; readonly overlap?: string };
  /** Whether its SQL gives other values later for the same row. */
  readonly asksMoment: boolean;
}

export const ID_TYPES = ['int', 'bigint', 'uuid'] as const;

export interface DimensionTask extends TaskBase {
  readonly kind: 'dimension';
  readonly source: Source;
  readonly naturalKey: readonly string[];
  /** Undefined: all other columns of the source. */
  readonly attributes?: readonly string[];
  readonly idType: (typeof ID_TYPES)[number];
  /** Of an environment: the dimension of production, whose members have their ids here, too. */
  readonly idsOf?: { readonly task: string; readonly relation: Relation };
  /** Of a source with versions: whether only those of now are read. */
  readonly readsCurrent: boolean;
  readonly type2?: Type2;
}

/** A dimension that keeps what attributes were before. */
export interface Type2 {
  /** Attributes with a version for each value; the others have the value of today in every version. */
  readonly columns: readonly string[];
  /** A column of the source; undefined: when the load of the row took effect. */
  readonly changedAt?: string;
  readonly ends?: Ends;
}

export interface CalendarTask extends TaskBase {
  readonly kind: 'dimension';
  readonly calendar: { readonly from: string; readonly to: string };
}

export interface LookUp extends Notes {
  /** Column of the fact. */
  readonly column: string;
  /** Task name of the dimension. */
  readonly dimension: string;
  readonly relation: Relation;
  readonly idType: (typeof ID_TYPES)[number];
  /** Pairs: column of the dimension, column of the source. All of the natural key. */
  readonly by: readonly { readonly dimension: string; readonly source: string }[];
  /** Whether the dimension has several versions of a member. */
  readonly hasVersions: boolean;
  /** Whether there may be times without any, after the first one. */
  readonly hasEnds?: true;
  /** A column of the source: the version of that moment is looked up; undefined for the one of now. */
  readonly asOf?: string;
}

export const AGGREGATES = ['sum', 'count', 'min', 'max', 'avg'] as const;

export interface Measure extends Notes {
  readonly name: string;
  readonly aggregate: (typeof AGGREGATES)[number];
  readonly isDistinct: boolean;
  /** Undefined for count(*). */
  readonly of?: Expression;
  /** Digits to round to. */
  readonly round?: number;
}

/** How the table of a fact is divided by its dates. */
export interface FactPartitions {
  readonly every: PartitionUnit;
  /** Days that have partitions of time, the last one excluded, where edp.yaml says so. */
  readonly from?: string;
  readonly to?: string;
}

interface FactBase extends TaskBase {
  readonly kind: 'fact';
  readonly source: Source;
  /** Column of the source. */
  readonly date: string;
  readonly timezone?: string;
  readonly slice: SliceUnit;
  /** Of a source with versions: whether only those of now are read. */
  readonly readsCurrent: boolean;
  readonly lookUps: readonly LookUp[];
  readonly columns: readonly string[];
  readonly partitions?: FactPartitions;
}

export interface AggregatedFactTask extends FactBase {
  readonly measures: readonly Measure[];
}

export interface RowFactTask extends FactBase {
  readonly key: readonly string[];
}

export type FactTask = AggregatedFactTask | RowFactTask;

/** Free SQL of the project: sql/models/<name>.sql. */
export interface ModelTask extends TaskBase {
  readonly kind: 'model';
  /** Path of the file, relative to the project. */
  readonly file: string;
  readonly sql: string;
  readonly sources: readonly Source[];
  readonly key: readonly string[];
  readonly date?: string;
  /** Whether it gives other rows later though nothing that it reads changed. */
  readonly asksMoment: boolean;
}

export interface ViewTask extends TaskBase {
  readonly kind: 'view';
  readonly file: string;
  readonly sql: string;
  readonly sources: readonly Source[];
  /** `title:` and `question:` of the file's header. */
  readonly title?: string;
  readonly question?: string;
  /** As of a model. */
  readonly asksMoment: boolean;
  readonly isMaterialized: boolean;
  readonly unique: readonly string[];
  readonly indexes: readonly (readonly string[])[];
}

export type Task = SilverTask | DimensionTask | CalendarTask | FactTask | ModelTask | ViewTask;

export const SEVERITIES = ['error', 'warn'] as const;

interface CheckBase extends Notes {
  /** Default `<kind>_<columns joined by _>`. */
  readonly name: string;
  readonly severity: (typeof SEVERITIES)[number];
  /** SQL that narrows it. */
  readonly where?: string;
}

export type Check = CheckBase &
  (
    | { readonly kind: 'unique'; readonly columns: readonly string[] }
    | { readonly kind: 'not_null'; readonly columns: readonly string[] }
    | {
        readonly kind: 'accepted_values';
        readonly column: string;
        readonly values: readonly string[];
      }
    | {
        readonly kind: 'relationships';
        readonly column: string;
        readonly to: Relation & { readonly column: string; readonly task?: string };
      }
    | {
        readonly kind: 'range';
        readonly column: string;
        readonly min?: string;
        readonly max?: string;
      }
    | { readonly kind: 'matches'; readonly column: string; readonly pattern: string }
    | { readonly kind: 'fresh'; readonly column: string; readonly within: string }
    | {
        readonly kind: 'row_count';
        readonly min?: number;
        readonly max?: number;
        /** Percent: 50 where the file says 50%. */
        readonly change?: number;
      }
    | {
        readonly kind: 'sql';
        readonly file: string;
        readonly sql: string;
        readonly sources: readonly Source[];
      }
  );

/** The warehouse of a project. */
export interface Warehouse {
  readonly layers: Layers;
  /** In an order in which each comes behind what it reads. */
  readonly tasks: readonly Task[];
  /** Checks of tables that are no task (bronze tables), by `bronze.<table>` name. */
  readonly bronzeChecks: ReadonlyMap<
    string,
    { readonly relation: Relation; readonly checks: readonly Check[] }
  >;
}
