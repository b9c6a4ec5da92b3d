/**
 * Commands whose work is watched: they change tables, or judge them. `notify:`, and `metrics:` of edp.yaml and of the
 * environment, are for them alone: of any other, somebody waits for the answer, and its numbers would take the
 * place of those of the work.
 */
export const WATCHED_WORK: Readonly<Record<string, 'all' | readonly string[]>> = {
  ingest: 'all',
  realize: 'all',
  'seed-dimensions': 'all',
  replay: 'all',
  undo: 'all',
  promote: 'all',
  run: 'all',
  check: 'all',
  'promote-env': 'all',
  capture: ['run', 'snapshot'],
};

/** They write nothing, so numbers of their own would hide those of a load; when a schedule runs them, a failure is news. */
const NOTIFIED_TOO: readonly string[] = ['verify', 'generate-report'];

/** Whether its end may be told to the receivers of `notify:`. */
export function sendsNotices(command: string, given: Readonly<Record<string, unknown>>): boolean {
  return isWatchedWork(command, given) || NOTIFIED_TOO.includes(command);
}

/** @param given with the action of a command that has several */
export function isWatchedWork(
  command: string,
  { action }: Readonly<Record<string, unknown>>,
): boolean {
  if (!Object.hasOwn(WATCHED_WORK, command)) return false;
  const actions = WATCHED_WORK[command]!;
  return actions === 'all' || actions.includes(String(action));
}
