/** Which options the actions of `edp capture` use. */
import { EdpError } from '../base/errors.js';
import type { ACTIONS, OPTION_NAMES } from './capture.help.js';
import { TABLE_WORD } from './capture-table.js';
import type { Invocation } from './command.js';
import { type ActionUses, refuseUnused } from './shared/refuse-unused.js';

export type Action = (typeof ACTIONS)[number];

const USES: ActionUses<Action> = {
  command: 'capture',
  flags: {
    'dry-run': ['install', 'uninstall'],
    to: ['run', 'snapshot'],
    once: ['run'],
    consumer: ['run', 'uninstall'],
    'rotate-seconds': ['run', 'snapshot'],
    yes: ['uninstall'],
  },
  words: { positional: 'tables', shown: 'tables', actions: ['snapshot'] },
};

/** Options of the load of `--to table`. */
const OF_TABLES = [
  'database-url',
  'process-count',
  'read-batch-size',
  'write-batch-size',
  'max-rejects',
] as const satisfies readonly (typeof OPTION_NAMES)[number][];

/** @throws EdpError `usage` for what would be passed over in silence */
export function assertUsed(given: Invocation['given'], action: Action): void {
  refuseUnused(given, action, USES);
  if (given.to !== TABLE_WORD) {
    const unused = OF_TABLES.find((option) => given[option] !== undefined);
    if (unused !== undefined) {
      throw new EdpError('usage', `--${unused} is for --to ${TABLE_WORD} alone`, {
        hint: 'the source is capture: source: database-url: of edp.yaml',
      });
    }
  }
  if (action === 'snapshot' && given['rotate-seconds'] !== undefined && given.to === undefined) {
    throw new EdpError('usage', '--rotate-seconds is for a snapshot with --to');
  }
}
