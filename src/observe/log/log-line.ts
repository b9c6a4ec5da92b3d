/** One line of the log, as JSON or as text. */
import { safeJson, safeText } from '../../base/safe-text.js';
import type { OptionValues } from '../../options/option-definitions.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** All keys are in each line, in this order. They are an interface: a key may be added. */
export interface LogLine {
  readonly time: string;
  readonly level: LogLevel;
  readonly run_id: number | null;
  readonly load_id: number | null;
  /** The bytes of the split in the text of its file, such as `0-1048576`. */
  readonly split: string | null;
  /** Code of the error or of the rejects; else what happened. */
  readonly code: string;
  readonly message: string;
}

export type LogForm = OptionValues<'log'>['log'];

export function formatLogLine(line: LogLine, form: LogForm): string {
  return form === 'json' ? `${safeJson(line)}\n` : `${safeText(textOf(line))}\n`;
}

function textOf({ time, level, run_id, load_id, split, code, message }: LogLine): string {
  const where = [
    ...(run_id === null ? [] : [`run ${run_id}`]),
    ...(load_id === null ? [] : [`load ${load_id}`]),
    ...(split === null ? [] : [`split ${split}`]),
  ].join(' ');
  return `${time} ${level.padEnd(5)} ${where === '' ? '' : `${where} `}${code}: ${message}`;
}
