/** What happens → numbers. */
import { EXIT } from '../../base/errors.js';
import type { HappenedChange, HappenedRows, Happening, Listener } from '../../base/happenings.js';
import type { MetricsRegistry } from './metrics-registry.js';

type Of<Kind extends Happening['kind']> = Extract<Happening, { readonly kind: Kind }>;

/** A command that ended with another one has done its work, whatever it found. */
const UNSUCCESSFUL: ReadonlySet<number> = new Set([EXIT.failed, EXIT.usage, EXIT.interrupted]);

/** @param command that is running, as a label */
export function countInto(registry: MetricsRegistry, command: string): Listener {
  const counts = new HappeningCounts(registry, command);
  return (happening) => counts.take(happening);
}

class HappeningCounts {
  readonly #registry: MetricsRegistry;
  readonly #command: string;
  /** Task → seconds of the slices of its last run. */
  readonly #taskSeconds = new Map<string, number>();

  constructor(registry: MetricsRegistry, command: string) {
    this.#registry = registry;
    this.#command = command;
  }

  take(happening: Happening): void {
    switch (happening.kind) {
      case 'split_committed':
        this.#countSplit(happening);
        break;
      case 'rows_changed':
        this.#countChanged(happening);
        break;
      case 'task_ended':
        this.#countTask(happening);
        break;
      case 'load_ended':
        this.#registry.put('edp_bytes_total', {}, happening.besideBytes ?? 0);
        this.#countFailure(happening.code);
        break;
      case 'failed':
        this.#countFailure(happening.code);
        break;
      case 'check_ended':
        this.#registry.put(
          'edp_check_failures',
          { check: `${happening.table} ${happening.check}` },
          happening.failures,
        );
        break;
      case 'command_ended':
        this.#endCommand(happening);
        break;
      default:
    }
  }

  #countSplit({ table, bytes, rows, change, rejectCodes, seconds }: Of<'split_committed'>): void {
    this.#countRows(table, { ...onlyResults(rows), ...change });
    this.#countCodes(rejectCodes);
    this.#registry.put('edp_bytes_total', {}, bytes);
    this.#registry.put('edp_split_seconds', {}, seconds);
  }

  #countChanged({ table, change, rows, rejectCodes = {} }: Of<'rows_changed'>): void {
    this.#countRows(table, rows === undefined ? change : { ...onlyResults(rows), ...change });
    this.#countCodes(rejectCodes);
  }

  #countTask({ task, table, change, seconds, code }: Of<'task_ended'>): void {
    this.#countRows(table, change);
    const sum = (this.#taskSeconds.get(task) ?? 0) + seconds;
    this.#taskSeconds.set(task, sum);
    this.#registry.put('edp_task_seconds', { task }, sum);
    this.#countFailure(code);
  }

  #countRows(table: string, results: Partial<HappenedChange & Omit<HappenedRows, 'read'>>): void {
    for (const [result, rows] of Object.entries(results)) {
      this.#registry.put('edp_rows_total', { command: this.#command, table, result }, rows);
    }
  }

  #countCodes(codes: Readonly<Record<string, number>>): void {
    for (const [code, records] of Object.entries(codes)) {
      this.#registry.put('edp_ingest_errors_total', { code }, records);
    }
  }

  #countFailure(code: string | undefined): void {
    if (code !== undefined) this.#countCodes({ [code]: 1 });
  }

  #endCommand({ command, seconds, exitStatus, startedAt }: Of<'command_ended'>): void {
    this.#registry.put('edp_run_seconds', { command }, seconds);
    this.#registry.put('edp_run_exit_status', { command }, exitStatus);
    if (UNSUCCESSFUL.has(exitStatus)) return;
    const endedAt = Math.round(startedAt + seconds * 1000) / 1000;
    this.#registry.put('edp_last_success_timestamp_seconds', { command }, endedAt);
  }
}

function onlyResults({ loaded, rejected, duplicate }: HappenedRows) {
  return { loaded, rejected, duplicate };
}
