/** What the files of a data directory say: whether the server runs, and how it listens. */
import { readFileSync } from 'node:fs';
import { chown, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { KEEP_RUNNING_FILE } from './keeper.js';
import { TCP_HOST } from './tcp-access.js';

/** @param port of TCP; undefined where the server listens on its socket alone */
export async function markToKeep(dataDirectory: string, port: number | undefined): Promise<void> {
  const marker = path.join(dataDirectory, KEEP_RUNNING_FILE);
  await writeFile(marker, `edp db start\n${port === undefined ? '' : `port ${port}\n`}`);
  await giveToServer(marker, dataDirectory);
}

/** What root makes beside the data belongs to the account that runs the server. */
export async function giveToServer(file: string, dataDirectory: string): Promise<void> {
  const owner = await stat(dataDirectory);
  if (owner.uid !== process.getuid?.()) await chown(file, owner.uid, owner.gid);
}

/** The TCP port that `edp db start` asked for. */
export function tcpPort(dataDirectory: string): number | undefined {
  const text = readText(path.join(dataDirectory, KEEP_RUNNING_FILE));
  const port = /^port (\d+)$/m.exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}

/** The port that names the socket of a running server: the fourth line of postmaster.pid. */
export function runningPort(dataDirectory: string): number | undefined {
  return Number(readPidLines(dataDirectory)[3]) || undefined;
}

/** The port on which it also listens for TCP: the sixth line is the address. */
export function runningTcpPort(dataDirectory: string): number | undefined {
  const address = readPidLines(dataDirectory)[5]?.trim();
  return address === TCP_HOST ? runningPort(dataDirectory) : undefined;
}

/** The eighth line of postmaster.pid says `ready` once the server accepts connections. */
export async function isReady(dataDirectory: string): Promise<boolean> {
  const lines = await readPidFile(dataDirectory);
  return lines?.[7]?.trim() === 'ready';
}

export async function readPidFile(dataDirectory: string): Promise<string[] | undefined> {
  const text = await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8').catch(
    () => undefined,
  );
  return text?.split('\n');
}

function readPidLines(dataDirectory: string): string[] {
  return readText(path.join(dataDirectory, 'postmaster.pid')).split('\n');
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
