/** What a page says of a report beside its rows. */
import type { ChartSpec } from '../chart/chart-line.js';

export interface AboutReport {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** With the values that were used; null is SQL's NULL. */
  readonly parameters: readonly {
    readonly name: string;
    readonly description: string;
    readonly value: string | null;
  }[];
  readonly madeAt: Date;
  /** The chart that the report declares, if any. */
  readonly chart?: ChartSpec | undefined;
}

/** A table, view, … that the report read, and who changed it last as far as the ledger knows. */
export interface SourceRelation {
  /** With its schema, quoted where needed. */
  readonly name: string;
  readonly kind: 'table' | 'view' | 'materialized view' | 'foreign table';
  readonly lastChange?:
    | {
        readonly by: 'load' | 'run';
        readonly id: number;
        /** The file of a load, the command of a run. */
        readonly what: string;
        /** When it was complete, as the server prints it; null while it is not. */
        readonly at: string | null;
      }
    | undefined;
}

/** In UTC, like all times that edp writes. */
export function momentText(moment: Date): string {
  return `${moment.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
