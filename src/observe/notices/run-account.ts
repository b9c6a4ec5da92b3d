/** What happens in a command, as far as a notice says it. It grows with what went wrong, up to a limit. */
import type { HappenedRows, Happening } from '../../base/happenings.js';
import type { NoticeEvent } from '../../model/notify-schema.js';
import {
  describeFailure,
  harmlessCode,
  harmlessColumns,
  harmlessName,
  meaningOf,
} from '../harmless.js';
import type { Notice } from './notice.schema.js';

/** Entries of each list; more are counted. */
const MAX_ENTRIES = 20;

type Entry<K extends 'failures' | 'rejects' | 'checks' | 'stale' | 'schemaChanges'> =
  Notice[K][number];

interface RejectedLoad extends Omit<Entry<'rejects'>, 'rejected' | 'codes'> {
  rejected: number;
  readonly codes: Record<string, number>;
}

/** A list that counts what it has no room for. */
class Entries<T> {
  readonly all: T[] = [];
  omitted = 0;

  add(entry: T): void {
    if (this.all.length < MAX_ENTRIES) this.all.push(entry);
    else this.omitted++;
  }
}

export class RunAccount {
  runId: number | null = null;
  exitStatus = 0;
  startedAt = Date.now();
  seconds = 0;
  readonly rows = { read: 0, loaded: 0, rejected: 0, duplicate: 0 };
  readonly failures = new Entries<Entry<'failures'>>();
  readonly checks = new Entries<Entry<'checks'>>();
  readonly stale = new Entries<Entry<'stale'>>();
  readonly schemaChanges = new Entries<Entry<'schemaChanges'>>();
  readonly #rejects = new Map<string, RejectedLoad>();
  readonly #omittedRejects = new Set<string>();
  /** In all. */
  rejectedRecords = 0;
  /** The code of the error that ended the command. */
  endedBy: string | undefined;

  hear(happening: Happening): void {
    switch (happening.kind) {
      case 'run_began':
        this.runId = happening.runId;
        break;
      case 'split_committed':
        this.#addRows(happening.rows);
        this.#addRejects(
          happening.loadId,
          happening.path,
          happening.table,
          happening.rows.rejected,
          happening.rejectCodes,
        );
        break;
      case 'rows_changed':
        this.#addRejects(
          happening.loadId ?? null,
          null,
          happening.table,
          happening.rejected ?? 0,
          happening.rejectCodes ?? {},
        );
        break;
      case 'load_ended':
        if (happening.status === 'failed') this.#addFailedLoad(happening);
        break;
      case 'task_ended':
        if (happening.code === undefined && happening.state !== 'failed') break;
        this.#addFailure(happening.code ?? 'task_failed', undefined, {
          task: harmlessName(happening.task),
          table: harmlessName(happening.table),
        });
        break;
      case 'check_ended':
        if (happening.isOk) break;
        this.checks.add({
          check: harmlessName(happening.check),
          table: harmlessName(happening.table),
          severity: happening.severity,
          failures: happening.failures,
        });
        break;
      case 'schema_changed':
        this.schemaChanges.add({
          table: harmlessName(happening.table),
          file: happening.path === undefined ? null : harmlessName(happening.path),
          added: harmlessColumns(happening.added),
          missing: harmlessColumns(happening.missing),
        });
        break;
      case 'stale':
        this.stale.add({
          table: harmlessName(happening.table),
          ageSeconds: happening.ageSeconds,
          limitSeconds: happening.limitSeconds,
        });
        break;
      case 'failed':
        this.#addEnd(happening);
        break;
      case 'command_ended':
        this.exitStatus = happening.exitStatus;
        this.startedAt = happening.startedAt;
        this.seconds = happening.seconds;
        break;
    }
  }

  get rejects(): { readonly all: readonly RejectedLoad[]; readonly omitted: number } {
    return { all: [...this.#rejects.values()], omitted: this.#omittedRejects.size };
  }

  /** What happened, the weightiest first. */
  get events(): readonly NoticeEvent[] {
    const isFailed = this.failures.all.length > 0 || this.exitStatus === 1;
    const hasRejects = this.#rejects.size > 0;
    const hasFailedCheck = this.checks.all.some(({ severity }) => severity === 'error');
    return [
      ...(isFailed ? (['failed'] as const) : []),
      ...(hasRejects ? (['rejects'] as const) : []),
      ...(hasFailedCheck ? (['check_failed'] as const) : []),
      ...(this.stale.all.length > 0 ? (['stale'] as const) : []),
      ...(this.schemaChanges.all.length > 0 ? (['schema_change'] as const) : []),
    ];
  }

  #addRows({ read, loaded, rejected, duplicate }: HappenedRows): void {
    this.rows.read += read;
    this.rows.loaded += loaded;
    this.rows.rejected += rejected;
    this.rows.duplicate += duplicate;
  }

  #addRejects(
    loadId: number | null,
    path: string | null,
    table: string,
    rejected: number,
    codes: Readonly<Record<string, number>>,
  ): void {
    if (rejected === 0) return;
    this.rejectedRecords += rejected;
    const key = loadId === null ? table : String(loadId);
    let load = this.#rejects.get(key);
    if (load === undefined) {
      if (this.#rejects.size >= MAX_ENTRIES) {
        this.#omittedRejects.add(key);
        return;
      }
      const file = path === null ? null : harmlessName(path);
      load = { loadId, file, table: harmlessName(table), rejected: 0, codes: {} };
      this.#rejects.set(key, load);
    }
    load.rejected += rejected;
    for (const [code, count] of Object.entries(codes)) {
      const name = harmlessCode(code);
      load.codes[name] = (load.codes[name] ?? 0) + count;
    }
  }

  #addFailedLoad(load: Extract<Happening, { kind: 'load_ended' }>): void {
    this.#addFailure(load.code, undefined, {
      loadId: load.loadId,
      file: harmlessName(load.path),
      table: harmlessName(load.table),
    });
  }

  #addEnd({ code, error, loadId }: Extract<Happening, { kind: 'failed' }>): void {
    this.endedBy = harmlessCode(code);
    // The load that failed has said so, and maybe less of the reason.
    const known = this.failures.all.findIndex(
      (failure) =>
        (failure.code === this.endedBy || failure.code === 'unknown') &&
        (loadId === undefined || failure.loadId === loadId),
    );
    if (known < 0) {
      this.#addFailure(code, error, {
        meaning: describeFailure(code, error),
        loadId: loadId ?? null,
      });
      return;
    }
    const meaning = meaningOf(code, error);
    this.failures.all[known] = { ...this.failures.all[known]!, code: this.endedBy, meaning };
  }

  #addFailure(code: string | undefined, error: unknown, of: Partial<Entry<'failures'>>): void {
    this.failures.add({
      code: code === undefined ? 'unknown' : harmlessCode(code),
      meaning: code === undefined ? 'The load failed.' : meaningOf(code, error),
      loadId: null,
      file: null,
      table: null,
      task: null,
      ...of,
    });
  }
}
