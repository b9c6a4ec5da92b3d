/**
 * The program that `startGuard` starts: waits for the command to end, or to report that the keeper
 * is running.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { connectOnce } from '../connection.js';
import { KEPT } from './guard.js';
import { startKeeper } from './keeper.js';

/** How long a server that does not answer may still be starting. */
const PATIENCE_MS = 10_000;

async function guard(client: pg.ClientConfig): Promise<void> {
  let said = '';
  for await (const chunk of process.stdin) said += String(chunk);
  if (said === KEPT) return;
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    // The command may have died before it created its database.
    for (const database of [client.database, 'postgres']) {
      try {
        await startKeeper(await connectOnce({ ...client, database }, 'keeper'));
        return;
      } catch {
        await sleep(100);
      }
    }
  }
}

await guard(JSON.parse(process.argv[2] ?? '{}') as pg.ClientConfig);
