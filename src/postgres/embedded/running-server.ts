/** A running embedded server, as other programs see it. */
import type pg from 'pg';
import type { Launcher } from './launcher.js';
import { runningTcpPort } from './server-files.js';
import { passwordFileOf, readPassword, TCP_HOST } from './tcp-access.js';

/** How another program connects. */
export interface RunningServer {
  /** Over the socket, without a password. */
  readonly client: pg.ClientConfig;
  /** Over TCP, with a password; undefined where it does not listen. */
  readonly tcp: pg.ClientConfig | undefined;
  readonly passwordFile: string | undefined;
}

export interface ServerStatus {
  /** undefined where it does not run. */
  readonly pid: number | undefined;
  readonly version: string;
  readonly dataDirectory: string;
  /** Data of the same project that root made at another place, and that is not used. */
  readonly otherDataDirectory: string | undefined;
  readonly socketDirectory: string;
  readonly running: RunningServer | undefined;
  /** Whether it stays up without a command that uses it. */
  readonly isKept: boolean;
}

/** @param client the connection over the socket */
export async function describeRunning(
  client: pg.ClientConfig,
  { launcher, dataDirectory }: { readonly launcher: Launcher; readonly dataDirectory: string },
): Promise<RunningServer> {
  const port = runningTcpPort(dataDirectory);
  const password = await readPassword(launcher.home);
  if (port === undefined || password === undefined) {
    return { client, tcp: undefined, passwordFile: undefined };
  }
  return {
    client,
    tcp: { ...client, host: TCP_HOST, port, password },
    passwordFile: passwordFileOf(launcher.home),
  };
}
