/**
 * Bridges the moment between the start of the embedded server and that of its keeper.
 *
 * A command that is killed just then would leave a server that nobody stops. So it starts this small
 * program beside the server and tells it, through a pipe, when the keeper is in place. A pipe that
 * closes before means that the command is dead; then this program puts the keeper there itself.
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { connect } from '../connection.js';
import { startKeeper } from './keeper.js';

const KEPT = 'kept';
/** For how long a server that does not answer may still be starting. */
const PATIENCE_MS = 10_000;

/**
 * @param client where the server will listen
 * @param cwd a directory that stays
 * @returns to be called once the keeper is in place
 */
export function startGuard(client: pg.ClientConfig, cwd: string): () => void {
  const program = fileURLToPath(import.meta.url);
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

async function guard(client: pg.ClientConfig): Promise<void> {
  let said = '';
  for await (const chunk of process.stdin) said += String(chunk);
  if (said === KEPT) return;
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    // The command may have died before it made its database.
    for (const database of [client.database, 'postgres']) {
      try {
        await startKeeper(await connect({ ...client, database }, 'keeper'));
        return;
      } catch {
        await sleep(100);
      }
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await guard(JSON.parse(process.argv[2] ?? '{}') as pg.ClientConfig);
}
