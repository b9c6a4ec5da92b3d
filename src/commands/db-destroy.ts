/** `edp db destroy`: stops the embedded server, and removes its data. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { EdpError, EXIT } from '../base/errors.js';
import { resolveOptions } from '../options/resolve-options.js';
import type { Destruction } from '../postgres/embedded/destroy.js';
import {
  destroyEmbeddedServer,
  inspectEmbeddedServer,
} from '../postgres/embedded/embedded-server.js';
import { resolveServer } from '../postgres/which-server.js';
import { confirm } from '../terminal/confirm.js';
import { formatBytes, safeText } from '../terminal/output.js';
import type { Invocation } from './command.js';

export async function destroyDatabase({
  given,
  project,
  output,
  signal,
}: Invocation): Promise<number> {
  const { directory } = project;
  const { yes, databaseUrl } = resolveOptions(['yes', 'database-url'], given, project.options);
  const address = resolveServer(databaseUrl, process.env);
  if (address.kind === 'server') {
    const origin = databaseUrl === undefined ? address.origin : 'database-url';
    throw new EdpError(
      'usage',
      `commands use the server of ${origin}, and edp destroys none but its own`,
      {
        hint: `leave ${origin} out to destroy the embedded server of this project; another server has DROP DATABASE`,
      },
    );
  }
  const destruction = await destroy(directory, yes, signal);
  const { wasRunning, removed, left } = destruction;
  const bytes = removed.reduce((sum, one) => sum + one.bytes, 0);
  if (removed.length === 0) output.line('there is no embedded server here');
  for (const one of removed) {
    output.line(`removed ${safeText(one.path)} (${formatBytes(one.bytes)})`);
  }
  for (const place of left) {
    output.warn(
      `there is more data of this project in ${place}, which is left; the next command uses it`,
    );
  }
  output.result({
    command: 'db',
    ok: true,
    action: 'destroy',
    wasRunning,
    removed,
    bytes,
    left,
  });
  return EXIT.done;
}

const NOTHING: Destruction = { wasRunning: false, removed: [], left: [] };

async function destroy(
  directory: string,
  isSure: boolean,
  signal: AbortSignal,
): Promise<Destruction> {
  if (!existsSync(path.join(directory, '.edp'))) return NOTHING;
  if (!isSure) {
    if (process.stdin.isTTY !== true) {
      throw new EdpError('usage', 'nobody can be asked whether to remove the data', {
        hint: 'edp db destroy --yes',
      });
    }
    const { dataDirectory } = await inspectEmbeddedServer(directory);
    const question = `This removes ${safeText(dataDirectory)}: all tables, and the ledger.\nRemove it?`;
    if (!(await confirm(question, signal))) {
      throw new EdpError('interrupted', 'nothing was removed', { hint: 'answer y, or give --yes' });
    }
  }
  return destroyEmbeddedServer(directory);
}
