/** What only one command at a time may do in a source. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { sleepUnless } from '../base/sleep-unless.js';
import { describeHolder, tryNamedLock } from '../postgres/named-lock.js';

/** The session of a command that was killed may live that much longer. */
const PATIENCE_MS = 10_000;
const WAIT_MS = 250;

/** Name of the lock of whoever sends the events of a consumer. */
export function consumerLock(consumer: string): string {
  return `${CONSUMER_LOCK}${consumer}`;
}

export const CONSUMER_LOCK = 'edp capture sends for ';

export function snapshotLock(model: string): string {
  return `edp capture reads ${model}`;
}

export interface Holding {
  /** What it is about: `consumer default`. */
  readonly what: string;
  readonly signal: AbortSignal;
  /** Told once, where another session holds it. */
  readonly onWait?: (text: string) => void;
  readonly patienceMs?: number | undefined;
}

/**
 * Holds a named lock for this session; the server frees it however the session ends.
 *
 * @returns whether it is held; false where `signal` came first
 * @throws EdpError `capture_busy` that names who holds it
 */
export async function holdAlone(
  client: pg.Client,
  name: string,
  { what, signal, onWait, patienceMs = PATIENCE_MS }: Holding,
): Promise<boolean> {
  const end = Date.now() + patienceMs;
  for (let tries = 0; !(await tryNamedLock(client, name)); tries++) {
    const holder = (await describeHolder(client, name)) ?? 'a session that has just ended';
    if (Date.now() >= end) {
      throw new EdpError('capture_busy', `${what}: ${holder} is at it already`, {
        hint: 'end that command, or wait for its end; then run this one again',
      });
    }
    if (tries === 0) onWait?.(`${what}: ${holder} is at it; waiting for its end`);
    if (!(await sleepUnless(signal, WAIT_MS))) return false;
  }
  return true;
}

/** Two that change what is installed at once would each change what the other one has read. */
export async function holdInstallation(
  client: pg.Client,
  options: Pick<Holding, 'signal' | 'patienceMs'>,
): Promise<void> {
  const what = 'installation';
  if (await holdAlone(client, 'edp capture installs', { what, ...options })) return;
  throw new EdpError('interrupted', 'stopped while another command was installing');
}
