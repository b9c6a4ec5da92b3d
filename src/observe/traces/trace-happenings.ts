/** What happens → spans: command → file → split → scan, copy, commit. They have numbers and names, no values of records. */
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Happening, Listener } from '../../base/happenings.js';
import { harmlessCode, harmlessName } from '../harmless.js';

type Of<Kind extends Happening['kind']> = Extract<Happening, { readonly kind: Kind }>;

/** Splits of a load, and of a command, that have spans: a load may have thousands. */
const MAX_SPLITS_OF_LOAD = 250;
const MAX_SPLITS = 2000;
/** Files, and tasks, of a command that have spans. */
const MAX_LOADS = 2000;

interface OpenLoad {
  readonly span: Span;
  readonly context: Context;
  splits: number;
  leftOut: number;
  /** When the last of its splits ended; milliseconds since 1970. */
  endedAt: number;
}

/** @param tracer whose spans are sent somewhere */
export function traceWith(tracer: Tracer): Listener {
  const tree = new SpanTree(tracer);
  return (happening) => tree.take(happening);
}

class SpanTree {
  readonly #tracer: Tracer;
  readonly #loads = new Map<number, OpenLoad>();
  #command: Span | undefined;
  #context: Context = ROOT_CONTEXT;
  #splits = 0;
  #children = 0;
  #leftOut = 0;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  take(happening: Happening): void {
    switch (happening.kind) {
      case 'command_began':
        this.#begin(happening);
        break;
      case 'run_began':
        this.#command?.setAttribute('edp.run_id', happening.runId);
        break;
      case 'load_began':
        this.#beginLoad(happening);
        break;
      case 'split_committed':
        this.#addSplit(happening);
        break;
      case 'load_ended':
        this.#endLoad(happening);
        break;
      case 'task_ended':
        this.#addTask(happening);
        break;
      case 'failed':
        this.#command?.setAttribute('edp.error_code', harmlessCode(happening.code));
        break;
      case 'command_ended':
        this.#end(happening);
        break;
      default:
    }
  }

  #begin({ command, startedAt }: Of<'command_began'>): void {
    const span = this.#tracer.startSpan(`edp ${command}`, { startTime: startedAt }, ROOT_CONTEXT);
    this.#command = span;
    this.#context = trace.setSpan(ROOT_CONTEXT, span);
  }

  #beginLoad({ loadId, path, table, startedAt }: Of<'load_began'>): void {
    if (this.#children >= MAX_LOADS) {
      this.#leftOut++;
      return;
    }
    this.#children++;
    const attributes = {
      'edp.load_id': loadId,
      'edp.path': harmlessName(path),
      'edp.table': harmlessName(table),
    };
    const span = this.#tracer.startSpan(
      'file',
      { startTime: startedAt, attributes },
      this.#context,
    );
    const context = trace.setSpan(this.#context, span);
    this.#loads.set(loadId, { span, context, splits: 0, leftOut: 0, endedAt: startedAt });
  }

  #addSplit(split: Of<'split_committed'>): void {
    const load = this.#loads.get(split.loadId);
    if (load === undefined) return;
    load.endedAt = Math.max(load.endedAt, split.startedAt + split.seconds * 1000);
    if (load.splits >= MAX_SPLITS_OF_LOAD || this.#splits >= MAX_SPLITS) {
      load.leftOut++;
      return;
    }
    load.splits++;
    this.#splits++;
    const { startedAt, seconds, rows, bytes, startByte, endByte, steps } = split;
    const attributes = {
      'edp.start_byte': startByte,
      'edp.end_byte': endByte,
      'edp.bytes': bytes,
      ...rowAttributes(rows),
    };
    const span = this.#tracer.startSpan(
      'split',
      { startTime: startedAt, attributes },
      load.context,
    );
    const context = trace.setSpan(load.context, span);
    let from = startedAt;
    for (const { step, seconds: own } of steps) {
      const child = this.#tracer.startSpan(step, { startTime: from }, context);
      // Between them it may have waited; the commit is last.
      if (step === 'commit') from = startedAt + (seconds - own) * 1000;
      child.end(from + own * 1000);
      from += own * 1000;
    }
    span.end(startedAt + seconds * 1000);
  }

  #endLoad({ loadId, status, rows, bytes, startedAt, seconds, code }: Of<'load_ended'>): void {
    const load = loadId === null ? undefined : this.#loads.get(loadId);
    if (loadId === null || load === undefined) return;
    this.#loads.delete(loadId);
    load.span.setAttributes({ 'edp.status': status, 'edp.bytes': bytes, ...rowAttributes(rows) });
    if (load.leftOut > 0) load.span.setAttribute('edp.splits_left_out', load.leftOut);
    if (code !== undefined) load.span.setAttribute('edp.error_code', harmlessCode(code));
    if (status === 'failed') load.span.setStatus({ code: SpanStatusCode.ERROR });
    // Of small files that were loaded together, the seconds are the share of each, and its split may be the last.
    load.span.end(Math.max(load.endedAt, startedAt + seconds * 1000));
  }

  #addTask({ task, slice, state, change, startedAt, seconds, code }: Of<'task_ended'>): void {
    if (this.#children >= MAX_LOADS) {
      this.#leftOut++;
      return;
    }
    this.#children++;
    const attributes = {
      'edp.task': harmlessName(task),
      'edp.slice': harmlessName(slice),
      'edp.state': state,
      'edp.rows_inserted': change.inserted,
      'edp.rows_updated': change.updated,
      'edp.rows_deleted': change.deleted,
      ...(code === undefined ? {} : { 'edp.error_code': harmlessCode(code) }),
    };
    const span = this.#tracer.startSpan(
      'task',
      { startTime: startedAt, attributes },
      this.#context,
    );
    if (state === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(startedAt + seconds * 1000);
  }

  #end({ exitStatus, startedAt, seconds }: Of<'command_ended'>): void {
    for (const { span } of this.#loads.values()) span.end();
    this.#loads.clear();
    this.#command?.setAttribute('edp.exit_status', exitStatus);
    if (this.#leftOut > 0) this.#command?.setAttribute('edp.spans_left_out', this.#leftOut);
    if (exitStatus === 1 || exitStatus === 2) {
      this.#command?.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#command?.end(startedAt + seconds * 1000);
  }
}

function rowAttributes({ read, loaded, rejected, duplicate }: Of<'split_committed'>['rows']) {
  return {
    'edp.rows_read': read,
    'edp.rows_loaded': loaded,
    'edp.rows_rejected': rejected,
    'edp.rows_duplicate': duplicate,
  };
}
