/**
 * What happens in a command → lines of the log.
 *
 * Each message is made here, of counts, codes and names: what edp says to people may quote a value, and is
 * only counted unless it is known to be plain.
 */
import type { HappenedChange, HappenedRows, Happening } from '../../base/happenings.js';
import { describeFailure, harmlessCode, harmlessName, listColumns } from '../harmless.js';
import type { LogLevel, LogLine } from './log-line.js';

type Entry = Pick<LogLine, 'level' | 'code' | 'message'> &
  Partial<Pick<LogLine, 'load_id' | 'split'>>;

export class LogBook {
  #runId: number | null = null;
  /** Load → reject code → records, until the load ends. */
  readonly #rejects = new Map<number, Map<string, number>>();
  #untold = 0;

  linesOf(happening: Happening): readonly LogLine[] {
    const time = new Date().toISOString();
    return this.#entriesOf(happening).map(({ level, load_id = null, split = null, ...rest }) => ({
      time,
      level,
      run_id: this.#runId,
      load_id,
      split,
      ...rest,
    }));
  }

  #entriesOf(happening: Happening): readonly Entry[] {
    switch (happening.kind) {
      case 'command_began':
        return [info('command_began', `edp ${happening.command} began`)];
      case 'run_began':
        this.#runId = happening.runId;
        return [info('run_began', `edp ${happening.command} is run ${happening.runId}`)];
      case 'load_began':
        return [
          {
            ...info('load_began', `${nameLoad(happening)} began`),
            load_id: happening.loadId,
          },
        ];
      case 'split_committed':
        return this.#splitCommitted(happening);
      case 'load_ended':
        return this.#loadEnded(happening);
      case 'rows_changed':
        return rowsChanged(happening);
      case 'task_ended':
        return [taskEnded(happening)];
      case 'check_ended':
        return [checkEnded(happening)];
      case 'schema_changed':
        return [schemaChanged(happening)];
      case 'stale':
        return [stale(happening)];
      case 'said':
        return this.#said(happening);
      case 'failed':
        return [failed(happening)];
      case 'command_ended':
        return this.#commandEnded(happening);
    }
  }

  #splitCommitted(split: Extract<Happening, { kind: 'split_committed' }>): readonly Entry[] {
    const codes = this.#rejects.get(split.loadId) ?? new Map<string, number>();
    for (const [code, count] of Object.entries(split.rejectCodes)) {
      codes.set(code, (codes.get(code) ?? 0) + count);
    }
    this.#rejects.set(split.loadId, codes);
    return [
      {
        level: 'debug',
        load_id: split.loadId,
        split: `${split.startByte}-${split.endByte}`,
        code: 'split_committed',
        message: `${countRows(split.rows)} in ${split.seconds.toFixed(3)} s`,
      },
    ];
  }

  #loadEnded(load: Extract<Happening, { kind: 'load_ended' }>): readonly Entry[] {
    const { loadId, status } = load;
    const codes = loadId === null ? undefined : this.#rejects.get(loadId);
    if (loadId !== null) this.#rejects.delete(loadId);
    const level = {
      loaded: 'info',
      skipped: 'info',
      failed: 'error',
      interrupted: 'warn',
    } as const;
    return [
      ...rejectLines([...(codes ?? [])], loadId),
      {
        level: level[status],
        load_id: loadId,
        code: load.code === undefined ? 'load_ended' : harmlessCode(load.code),
        message: `${nameLoad(load)} ended: ${status}; ${countRows(load.rows)} in ${load.seconds.toFixed(1)} s`,
      },
    ];
  }

  #said({ level, text, isPlain }: Extract<Happening, { kind: 'said' }>): readonly Entry[] {
    if (isPlain === true) return [{ level, code: 'said', message: text }];
    if (level === 'warn') this.#untold++;
    return [];
  }

  #commandEnded(end: Extract<Happening, { kind: 'command_ended' }>): readonly Entry[] {
    const untold = this.#untold;
    return [
      ...(untold === 0
        ? []
        : [
            {
              level: 'warn' as const,
              code: 'warnings_untold',
              message: `${untold === 1 ? '1 warning' : `${untold} warnings`} may quote data, so this log does not have ${untold === 1 ? 'it' : 'them'}`,
            },
          ]),
      {
        level: levelOfStatus(end.exitStatus),
        code: 'command_ended',
        message: `edp ${end.command} ended with status ${end.exitStatus} after ${end.seconds.toFixed(1)} s`,
      },
    ];
  }
}

function info(code: string, message: string): Entry {
  return { level: 'info', code, message };
}

function levelOfStatus(status: number): LogLevel {
  if (status === 0) return 'info';
  return status === 1 || status === 2 ? 'error' : 'warn';
}

function nameLoad({ path, table }: { readonly path: string; readonly table: string }): string {
  return `load of ${harmlessName(path)} into ${harmlessName(table)}`;
}

function countRows({ read, loaded, rejected, duplicate }: HappenedRows): string {
  return `${read} read, ${loaded} loaded, ${rejected} rejected, ${duplicate} duplicate`;
}

function countChange({ inserted, updated, deleted }: HappenedChange): string {
  return `${inserted} inserted, ${updated} updated, ${deleted} deleted`;
}

function rejectLines(
  codes: readonly (readonly [string, number])[],
  loadId: number | null,
): readonly Entry[] {
  return codes.map(([code, count]) => ({
    level: 'warn',
    load_id: loadId,
    code: harmlessCode(code),
    message: `${count} ${count === 1 ? 'record' : 'records'} rejected`,
  }));
}

function rowsChanged(changed: Extract<Happening, { kind: 'rows_changed' }>): readonly Entry[] {
  const loadId = changed.loadId ?? null;
  return [
    ...rejectLines(Object.entries(changed.rejectCodes ?? {}), loadId),
    {
      ...info('rows_changed', `${harmlessName(changed.table)}: ${countChange(changed.change)}`),
      load_id: loadId,
    },
  ];
}

function taskEnded(task: Extract<Happening, { kind: 'task_ended' }>): Entry {
  const isFailed = task.state === 'failed' || task.code !== undefined;
  const slice = task.slice === '' ? '' : `, slice ${harmlessName(task.slice)}`;
  return {
    level: isFailed ? 'error' : task.state === 'unchanged' ? 'debug' : 'info',
    code: task.code === undefined ? 'task_ended' : harmlessCode(task.code),
    message: `task ${harmlessName(task.task)}${slice}: ${harmlessName(task.state)}; ${countChange(task.change)} in ${task.seconds.toFixed(1)} s`,
  };
}

function checkEnded(check: Extract<Happening, { kind: 'check_ended' }>): Entry {
  const name = `check ${harmlessName(check.check)} of ${harmlessName(check.table)}`;
  if (check.isOk) return info('check_ended', `${name} holds`);
  return {
    level: check.severity === 'error' ? 'error' : 'warn',
    code: 'check_failed',
    message: `${name} fails: ${check.failures} rows`,
  };
}

function schemaChanged(change: Extract<Happening, { kind: 'schema_changed' }>): Entry {
  const file = change.path === undefined ? '' : ` in ${harmlessName(change.path)}`;
  const parts = [
    ...(change.added.length === 0 ? [] : [`new: ${listColumns(change.added)}`]),
    ...(change.missing.length === 0 ? [] : [`missing: ${listColumns(change.missing)}`]),
  ];
  return {
    level: 'warn',
    code: 'schema_changed',
    message: `columns of ${harmlessName(change.table)} changed${file}: ${parts.join('; ')}`,
  };
}

function stale({ table, ageSeconds, limitSeconds }: Extract<Happening, { kind: 'stale' }>): Entry {
  return {
    level: 'warn',
    code: 'stale',
    message: `${harmlessName(table)} ${ageSeconds === null ? 'has no time of a row' : `had no new rows for ${Math.round(ageSeconds)} s`}; the limit is ${Math.round(limitSeconds)} s`,
  };
}

function failed({ code, error, loadId }: Extract<Happening, { kind: 'failed' }>): Entry {
  return {
    level: 'error',
    load_id: loadId ?? null,
    code: harmlessCode(code),
    message: describeFailure(code, error),
  };
}
