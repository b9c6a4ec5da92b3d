/**
 * Bridges the moment between the start of the embedded server and that of its keeper.
 *
 * A command that is killed just then would leave a server that nobody stops. So it starts this small
 * program beside the server and tells it, through a pipe, when the keeper is in place. A pipe that
 * closes before means that the command is dead; then this program puts the keeper there itself.
 */
import { spawn } from 'node:child_process';
import type pg from 'pg';
import { programFile } from '../../base/package-files.js';

/** Said once the keeper is in place. */
export const KEPT = 'kept';

/**
 * @param client where the server will listen
 * @param cwd a directory that stays
 * @returns to be called once the keeper is in place
 */
export function startGuard(client: pg.ClientConfig, cwd: string): () => void {
  const program = programFile('postgres/embedded/guard-program');
  const child = spawn(process.execPath, [program, JSON.stringify(client)], {
    cwd,
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // Without a guard the server is as safe as its first second is uneventful.
  child.once('error', () => {});
  child.stdin.once('error', () => {});
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return () => child.stdin.end(KEPT);
}
