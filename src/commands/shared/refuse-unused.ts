/** Refuses what an action of a command would pass over in silence, since it belongs to other actions. */
import { EdpError } from '../../base/errors.js';
import type { Invocation } from '../command.js';

export interface ActionUses<Action extends string> {
  /** Name of the command. */
  readonly command: string;
  /** Flag → the actions that it is for. What is not listed is for all of them. */
  readonly flags: Readonly<Record<string, readonly Action[]>>;
  /** A positional with the same; `shown` is how a message calls what it holds. */
  readonly words?: {
    readonly positional: string;
    readonly shown: string;
    readonly actions: readonly Action[];
  };
}

/** @throws EdpError `usage` */
export function refuseUnused<Action extends string>(
  given: Invocation['given'],
  action: Action,
  { command, flags, words }: ActionUses<Action>,
): void {
  const hint = `edp ${command} --help explains the actions`;
  for (const [flag, actions] of Object.entries(flags)) {
    if (given[flag] === undefined || actions.includes(action)) continue;
    const owners = actions.map((owner) => `edp ${command} ${owner}`).join(' and ');
    throw new EdpError('usage', `--${flag} is for ${owners}, not for ${action}`, { hint });
  }
  if (words === undefined || words.actions.includes(action)) return;
  const list = (given[words.positional] ?? []) as readonly string[];
  if (list.length === 0) return;
  throw new EdpError(
    'usage',
    `edp ${command} ${action} takes no ${words.shown}: ${list.join(' ')}`,
    { hint },
  );
}
