/**
 * Covers the time between the start of the embedded server and the start of its keeper.
 *
 * A command that is killed in that time would leave a server that nothing stops. So it starts this
 * small program beside the server, and reports to it through a pipe when the keeper is running. If
 * the pipe closes before, the command is dead; then this program starts the keeper itself.
 */
import { spawn } from 'node:child_process';
import type pg from 'pg';
import { programFile } from '../../base/package-files.js';

/** Sent once the keeper is running. */
export const KEPT = 'kept';

/**
 * @param client where the server will listen
 * @param cwd a directory that is not removed
 * @returns a function to be called once the keeper is running
 */
export function startGuard(client: pg.ClientConfig, cwd: string): () => void {
  const program = programFile('postgres/embedded/guard-program');
  const child = spawn(process.execPath, [program, JSON.stringify(client)], {
    cwd,
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // Without a guard, only a kill during the server's first second leaves it running.
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return () => child.stdin.end(KEPT);
}
