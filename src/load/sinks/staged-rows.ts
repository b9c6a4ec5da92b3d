/** The temporary tables of the careful way, as all statements on them name them. */

import type { ColumnPlan, CopyPlan, TablePlan } from '../../mapping/table-plan.js';
import { quoteIdentifier } from '../../model/ddl.js';
import { OFFSET_COLUMN } from '../../model/kept-versions.js';
import type { MissingDimensions, OnConflict } from '../../model/load-rules.js';
import type { RejectCode } from '../../model/reject-codes.js';
import type { KnownPartition, WantedPartition } from '../../postgres/partitions-in-catalog.js';
import type { TableInCatalog } from '../../postgres/table-in-catalog.js';

export type StagedColumn = Pick<ColumnPlan | CopyPlan, 'name' | 'type'> & {
  /** `offset`: the place of the record. */
  readonly from: (ColumnPlan | CopyPlan)['from'] | 'offset';
};

export function isLineage({ from }: StagedColumn): boolean {
  return from === 'load';
}

/** Whether the record says nothing about the column. */
export function isCopied({ from }: StagedColumn): boolean {
  return from === 'copy';
}

/** Whether it has the place of the record. */
export function isOffset({ from }: StagedColumn): boolean {
  return from === 'offset';
}

/** All columns that get a value. */
export function stagedColumns({ columns, copies = [], hasVersions }: TablePlan): StagedColumn[] {
  const place = { name: OFFSET_COLUMN, type: 'bigint', from: 'offset' } as const;
  return [...(hasVersions === true ? [place] : []), ...columns, ...copies];
}

/** The rule for a key that is taken. Of a key with versions, none is. */
export function ruleFor({ hasVersions }: TableInCatalog, asked: OnConflict): OnConflict {
  return hasVersions ? 'reject' : asked;
}

/** Whether the server takes a value of the column for a new row only. */
export function isFixed({ fixed }: TableInCatalog, column: string): boolean {
  return fixed.includes(column);
}

/** Lets an INSERT give values to columns GENERATED ALWAYS AS IDENTITY, as COPY does without a word. */
export const OVERRIDING = ' OVERRIDING SYSTEM VALUE';

/** Makes partitions for rows to come. @returns those that are there now */
export type PartitionMaker = (
  wanted: readonly WantedPartition[],
) => Promise<readonly KnownPartition[]>;

export interface StagingOptions {
  readonly target: TableInCatalog;
  readonly columns: readonly StagedColumn[];
  /** Those of them that copy: they are filled in the staging table. */
  readonly copies?: readonly CopyPlan[] | undefined;
  readonly onConflict: OnConflict;
  readonly missingDimensions: MissingDimensions;
  readonly loadId: number;
  /** Constraints that are checked when the rows are moved, as in SET CONSTRAINTS; all without it. */
  readonly checked?: string | undefined;
  /** Without it, partitions are made in the transaction of the rows. */
  readonly makePartitions?: PartitionMaker | undefined;
  /** Condition on rows `t` of the table that all with the key of a staged row fulfil, so that few partitions are read. */
  readonly nearby?: string;
}

export const STAGE = 'pg_temp.edp_stage';
export const VERDICTS = 'pg_temp.edp_verdicts';
/** A name that no column of a model can have, because of its control character; its length is allowed. */
export const ORDINAL = '\u0001ordinal';
export const ORDINAL_SQL = quoteIdentifier(ORDINAL);
/** Where single records are looked up. */
export const INDEX_ORDINALS = `CREATE INDEX IF NOT EXISTS edp_stage_ordinal ON ${STAGE} (${ORDINAL_SQL})`;

/** Condition on staged rows that have no verdict so far. */
export function open(alias: string): string {
  return `NOT EXISTS (SELECT FROM ${VERDICTS} v WHERE v.ordinal = ${alias}.${ORDINAL_SQL})`;
}

/** Verdict of a record that is in the table already, because it completed an inferred member. */
export const COMPLETED = 'completed';

/** Code of the verdict of a record that the server took without inserting a row. */
export const LEFT_OUT = 'left_out' satisfies RejectCode;
