/** Which options the actions of `edp capture` use. */
import { EdpError } from '../base/errors.js';
import type { ACTIONS, OPTION_NAMES } from './capture.help.js';
import { TABLE_WORD } from './capture-table.js';
import type { Invocation } from './command.js';

export type Action = (typeof ACTIONS)[number];

/** Options that belong to some actions; for others they would be passed over in silence. */
const OF_ACTIONS: Readonly<Record<string, readonly Action[]>> = {
  'dry-run': ['install', 'uninstall'],
  to: ['run', 'snapshot'],
  once: ['run'],
  consumer: ['run', 'uninstall'],
  'rotate-seconds': ['run', 'snapshot'],
  yes: ['uninstall'],
};

/** Options of the load of `--to table`. */
const OF_TABLES = [
  'database-url',
  'process-count',
  'read-batch-size',
  'write-batch-size',
  'max-rejects',
] as const satisfies readonly (typeof OPTION_NAMES)[number][];

export function refuseUnused(given: Invocation['given'], action: Action): void {
  for (const [option, actions] of Object.entries(OF_ACTIONS)) {
    if (given[option] === undefined || actions.includes(action)) continue;
    throw new EdpError(
      'usage',
      `--${option} is for edp capture ${actions.join(' and ')}, not for ${action}`,
    );
  }
  if (given.to !== TABLE_WORD) {
    const unused = OF_TABLES.find((option) => given[option] !== undefined);
    if (unused !== undefined) {
      throw new EdpError('usage', `--${unused} is for edp capture run --to ${TABLE_WORD} alone`, {
        hint: 'the source is capture: source: database-url: of edp.yaml',
      });
    }
  }
  if (action === 'snapshot' && given['rotate-seconds'] !== undefined && given.to === undefined) {
    throw new EdpError('usage', '--rotate-seconds is for a snapshot with --to');
  }
  const tables = (given.tables ?? []) as readonly string[];
  if (tables.length > 0 && action !== 'snapshot') {
    throw new EdpError('usage', `edp capture ${action} takes no tables; it is about all of them`);
  }
}
