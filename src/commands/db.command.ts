/** `edp db`: manages the embedded server. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { EdpError, EXIT } from '../base/errors.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withClient } from '../postgres/connection.js';
import {
  findEmbeddedServer,
  inspectEmbeddedServer,
  startEmbeddedServer,
  stopEmbeddedServer,
} from '../postgres/embedded/embedded-server.js';
import type { RunningServer, ServerStatus } from '../postgres/embedded/running-server.js';
import { resolveServer, toUrl } from '../postgres/which-server.js';
import { formatBytes, type Output } from '../terminal/output.js';
import type { Command, Invocation } from './command.js';
import type { ACTIONS } from './db.help.js';
import type { DbJson } from './json/db.schema.js';
import type { CommandResult } from './json/results.js';
import { type ActionUses, refuseUnused } from './shared/refuse-unused.js';

export const command: Command = {
  async run(invocation: Invocation) {
    const { given, project, output } = invocation;
    const { directory } = project;
    const action = given.action as (typeof ACTIONS)[number];
    const { port, tcp } = resolveOptions(['port', 'tcp'], given, {});
    refuseUnused(given, action, USES);
    switch (action) {
      case 'start': {
        const running = await startEmbeddedServer(directory, port);
        const url = toUrl(running.client);
        output.line(`PostgreSQL is running and stays up until \`edp db stop\`: ${url}`);
        if (running.tcp !== undefined) output.line(describeTcp(running));
        answer(output, {
          command: 'db',
          ok: true,
          action: 'start',
          running: true,
          url,
          tcp: tcpJson(running),
        });
        return EXIT.done;
      }
      case 'stop': {
        const wasRunning = await stopEmbeddedServer(directory);
        output.line(wasRunning ? 'PostgreSQL is stopped' : 'PostgreSQL was not running');
        answer(output, { command: 'db', ok: true, action: 'stop', running: false, wasRunning });
        return EXIT.done;
      }
      case 'status':
        await showStatus(await inspectEmbeddedServer(directory), output);
        return EXIT.done;
      case 'url': {
        const found = await findEmbeddedServer(directory);
        if (tcp === true && found?.tcp === undefined) throw withoutTcp(found !== undefined);
        // The URL of a stopped server is useless, so this starts it, as `start` does.
        const running = found ?? (await startEmbeddedServer(directory));
        const url = toUrl(tcp === true ? running.tcp! : running.client);
        warnOfOther(invocation);
        if (!output.isJson) output.line(url);
        answer(output, { command: 'db', ok: true, action: 'url', url });
        return EXIT.done;
      }
      case 'destroy': {
        const { destroyDatabase } = await import('./db-destroy.js');
        return destroyDatabase(invocation);
      }
      case 'psql': {
        const { runPsql } = await import('./db-psql.js');
        return runPsql(invocation);
      }
    }
  },
};

/** `edp db url` is about the embedded server, even where the other commands use another one. */
function warnOfOther({ given, project, output }: Invocation): void {
  const { databaseUrl } = resolveOptions(['database-url'], given, project.options);
  const origin = findOrigin(databaseUrl);
  if (origin === undefined) return;
  output.warn(
    `this is the URL of the embedded server; other commands use the server of ${origin}, as edp db psql does`,
  );
}

/** What names another server; undefined where nothing does, or what does cannot be read. */
function findOrigin(databaseUrl: string | undefined): string | undefined {
  if (databaseUrl !== undefined) return 'database-url';
  try {
    const used = resolveServer(undefined, process.env);
    return used.kind === 'server' ? used.origin : undefined;
  } catch {
    return undefined;
  }
}

/** A server that this started would have to be stopped before it could listen on a port. */
function withoutTcp(isRunning: boolean): EdpError {
  const start = 'edp db start --port 0 (or a port of your choice)';
  return isRunning
    ? new EdpError('usage', 'the server listens on its socket alone', {
        hint: `edp db stop, then ${start}`,
      })
    : new EdpError('usage', 'the server is not running, so it listens on no port', { hint: start });
}

const USES: ActionUses<(typeof ACTIONS)[number]> = {
  command: 'db',
  flags: { port: ['start'], tcp: ['url'], yes: ['destroy'], 'database-url': ['psql'] },
  words: { positional: 'args', shown: 'further arguments', actions: ['psql'] },
};

function answer(output: Output<CommandResult>, json: DbJson): void {
  output.result(json);
}

function tcpJson({ tcp, passwordFile }: RunningServer) {
  return tcp === undefined
    ? null
    : { host: tcp.host!, port: tcp.port!, passwordFile: passwordFile! };
}

function describeTcp({ tcp, passwordFile }: RunningServer): string {
  return `and on ${tcp!.host}:${tcp!.port}, user ${tcp!.user}, database ${tcp!.database}; the password is in ${passwordFile} (edp db url --tcp prints a URL with it)`;
}

async function showStatus(status: ServerStatus, output: Output<CommandResult>): Promise<void> {
  const { pid, version, dataDirectory, socketDirectory, running, isKept } = status;
  const sizeBytes =
    running === undefined
      ? undefined
      : await withClient(running.client, 'status', async (client) => {
          const { rows } = await client.query<{ size: number }>(
            'SELECT pg_database_size(current_database()) AS size',
          );
          return rows[0]!.size;
        });
  const isMade = existsSync(path.join(dataDirectory, 'PG_VERSION'));
  const state = !isMade
    ? 'not made yet: the first command that needs it makes it'
    : pid === undefined
      ? 'not running: it starts when a command needs it'
      : `running (process ${pid}), ${isKept ? 'until edp db stop' : 'until the last command that uses it ends'}`;
  const lines: [string, string | undefined][] = [
    ['PostgreSQL', `${version}, ${state}`],
    ['data', dataDirectory],
    ['more data', status.otherDataDirectory && `${status.otherDataDirectory} (not used)`],
    ['socket', running && socketDirectory],
    [
      'TCP',
      running?.tcp &&
        `${running.tcp.host}:${running.tcp.port}, password in ${running.passwordFile}`,
    ],
    ['url', running && toUrl(running.client)],
    ['size', sizeBytes === undefined ? undefined : formatBytes(sizeBytes)],
  ];
  for (const [name, text] of lines) {
    if (text !== undefined) output.line(`${`${name}:`.padEnd(12)}${text}`);
  }
  answer(output, {
    command: 'db',
    ok: true,
    action: 'status',
    running: pid !== undefined,
    kept: isKept,
    pid: pid ?? null,
    version,
    dataDirectory,
    otherDataDirectory: status.otherDataDirectory ?? null,
    isMade,
    socketDirectory,
    tcp: running === undefined ? null : tcpJson(running),
    url: running === undefined ? null : toUrl(running.client),
    sizeBytes: sizeBytes ?? null,
  });
}
