/**
 * What happens while a command works, for whoever listens: metrics, logs, traces, notices.
 *
 * Telling costs nothing where nobody listens, and is done per split, file, task or command, never per row.
 * A happening has no value of a record and no secret: what it says may leave the machine.
 */

/** Counts of records, as in a receipt. */
export interface HappenedRows {
  readonly read: number;
  readonly loaded: number;
  readonly rejected: number;
  readonly duplicate: number;
}

/** What a transaction changed in a table. */
export interface HappenedChange {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/** A part of the work whose time is known; milliseconds since 1970. */
interface Timed {
  readonly startedAt: number;
  readonly seconds: number;
}

/** A file that a load is about. */
interface OfLoad {
  readonly loadId: number;
  /** As the user named it; a URL without what signs it. */
  readonly path: string;
  /** With its schema. */
  readonly table: string;
}

/** One split has committed. Of a bulk load, one for each split that it has read. */
export interface SplitCommitted extends OfLoad, Timed {
  readonly kind: 'split_committed';
  /** Where in the text of the file. */
  readonly startByte: number;
  readonly endByte: number;
  /** Of the file as it is stored. */
  readonly bytes: number;
  readonly rows: HappenedRows;
  readonly change: HappenedChange;
  /** Reject code → records. */
  readonly rejectCodes: Readonly<Record<string, number>>;
  /** Seconds of reading and writing, of the COPY's end, and of the COMMIT; as far as they are known. */
  readonly steps: readonly {
    readonly step: 'scan' | 'copy' | 'commit';
    readonly seconds: number;
  }[];
}

export type Happening =
  | { readonly kind: 'command_began'; readonly command: string; readonly startedAt: number }
  /** The command has a row of `edp.runs`. */
  | { readonly kind: 'run_began'; readonly command: string; readonly runId: number }
  | (OfLoad & { readonly kind: 'load_began'; readonly startedAt: number })
  | SplitCommitted
  | (Timed & {
      readonly kind: 'load_ended';
      /** Null where the ledger has no load of it. */
      readonly loadId: number | null;
      readonly path: string;
      readonly table: string;
      readonly status: 'loaded' | 'skipped' | 'failed' | 'interrupted';
      readonly bytes: number;
      /** Those that are in no split, once all of it is loaded: header and footer. */
      readonly besideBytes?: number;
      /** Of the whole load, earlier runs included. */
      readonly rows: HappenedRows;
      /** Code of the fault of a failed one, if it has one of its own. */
      readonly code?: string;
    })
  /** Rows changed by something else than a split or a task: undo, replay, promote, copies. */
  | {
      readonly kind: 'rows_changed';
      readonly table: string;
      readonly loadId?: number;
      readonly change: HappenedChange;
      /** Of a replay: the rejects that were tried, and what became of them. */
      readonly rows?: HappenedRows;
      readonly rejected?: number;
      readonly rejectCodes?: Readonly<Record<string, number>>;
    }
  | (Timed & {
      readonly kind: 'task_ended';
      readonly task: string;
      readonly table: string;
      readonly slice: string;
      readonly state: string;
      readonly change: HappenedChange;
      readonly code?: string;
    })
  | {
      readonly kind: 'check_ended';
      readonly check: string;
      readonly table: string;
      readonly severity: 'error' | 'warning';
      readonly isOk: boolean;
      /** Rows that fail it. */
      readonly failures: number;
    }
  /** A file has fields that its table has no column for, or lacks some; or a column was added. */
  | {
      readonly kind: 'schema_changed';
      readonly table: string;
      readonly path?: string;
      readonly added: readonly string[];
      readonly missing: readonly string[];
    }
  /** A table has had no new rows for longer than it may. */
  | {
      readonly kind: 'stale';
      readonly table: string;
      /** Null where it has no time at all. */
      readonly ageSeconds: number | null;
      readonly limitSeconds: number;
    }
  /** What the command says to people. It may quote a name of a file or a value: never sent anywhere. */
  | {
      readonly kind: 'said';
      readonly level: 'info' | 'warn' | 'error';
      readonly text: string;
      /** The text has neither a value of a record nor a secret, so that a log may have it. */
      readonly isPlain?: boolean;
    }
  /** What ended the command, or one part of it. */
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly error: unknown;
      readonly loadId?: number;
    }
  | (Timed & {
      readonly kind: 'command_ended';
      readonly command: string;
      readonly exitStatus: number;
    });

export type Listener = (happening: Happening) => void;

const listeners = new Set<Listener>();

/** Whether to prepare what only listeners want. */
export function isHeard(): boolean {
  return listeners.size > 0;
}

/** A listener that throws is a bug of its own, and must not stop the work. */
export function tell(happening: Happening): void {
  for (const listener of listeners) {
    try {
      listener(happening);
    } catch {
      listeners.delete(listener);
    }
  }
}

/** @returns what ends it */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
