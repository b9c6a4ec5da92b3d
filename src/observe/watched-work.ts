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

/** @param given with the action of a command that has several */
export function isWatchedWork(
  command: string,
  { action }: Readonly<Record<string, unknown>>,
): boolean {
  if (!Object.hasOwn(WATCHED_WORK, command)) return false;
  const actions = WATCHED_WORK[command]!;
  return actions === 'all' || actions.includes(String(action));
}
