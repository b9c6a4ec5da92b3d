/** `edp db`: manages the embedded server. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type pg from 'pg';
import { EdpError, EXIT } from '../base/errors.js';
import { withClient } from '../postgres/connection.js';
import {
  findEmbeddedServer,
  leaseEmbeddedServer,
  startEmbeddedServer,
  stopEmbeddedServer,
} from '../postgres/embedded/embedded-server.js';
import { toUrl } from '../postgres/which-server.js';
import type { Command, Invocation } from './command.js';
import type { ACTIONS } from './db.help.js';
import type { DbJson } from './json/db.schema.js';

export const command: Command = {
  async run({ given, project, output }: Invocation) {
    const { directory } = project;
    switch (given.action as (typeof ACTIONS)[number]) {
      case 'start': {
        const client = await startEmbeddedServer(directory);
        output.line(`PostgreSQL is running and stays up until \`edp db stop\`: ${toUrl(client)}`);
        const url = toUrl(client);
        answer(output, { command: 'db', ok: true, action: 'start', running: true, url });
        return EXIT.done;
      }
      case 'stop': {
        const wasRunning = await stopEmbeddedServer(directory);
        output.line(wasRunning ? 'PostgreSQL is stopped' : 'PostgreSQL was not running');
        answer(output, { command: 'db', ok: true, action: 'stop', running: false, wasRunning });
        return EXIT.done;
      }
      case 'url': {
        // The URL of a stopped server is useless, so this starts it, as `start` does.
        const client =
          (await findEmbeddedServer(directory)) ?? (await startEmbeddedServer(directory));
        if (!output.isJson) output.line(toUrl(client));
        answer(output, { command: 'db', ok: true, action: 'url', url: toUrl(client) });
        return EXIT.done;
      }
      case 'psql':
        return runShell(given, directory, output);
    }
  },
};

function answer(output: Invocation['output'], json: DbJson): void {
  output.result(json);
}

/**
 * Runs psql if it is installed, otherwise the statements directly: the package does not include
 * psql.
 */
async function runShell(
  given: Invocation['given'],
  directory: string,
  output: Invocation['output'],
): Promise<number> {
  const commands = (given.command as string[] | undefined) ?? [];
  const passed = [
    ...((given.args as string[] | undefined) ?? []),
    ...((given['--'] as string[] | undefined) ?? []),
  ];
  const lease = await leaseEmbeddedServer(directory);
  try {
    const psqlArguments = [...commands.flatMap((sql) => ['-c', sql]), ...passed];
    if (output.isJson && passed.length > 0) {
      throw new EdpError('usage', '--json takes SQL with -c, and no arguments of psql', {
        hint: "edp db psql --json -c 'SELECT …'",
      });
    }
    if (!output.isJson) {
      const status = await spawnPsql(lease.client, psqlArguments);
      if (status !== undefined) return status === 0 ? EXIT.done : EXIT.failed;
    }
    if (commands.length === 0 && process.stdin.isTTY) {
      throw new EdpError('usage', 'psql is not installed, and edp does not include it', {
        hint: "run statements with: edp db psql -c 'SELECT …', or install your system's PostgreSQL client",
      });
    }
    const statements = commands.length > 0 ? commands : [await text(process.stdin)];
    await withClient(lease.client, 'psql', (client) => runStatements(client, statements, output));
    return EXIT.done;
  } finally {
    await lease.release();
  }
}

async function spawnPsql(
  client: pg.ClientConfig,
  args: readonly string[],
): Promise<number | undefined> {
  const child = spawn('psql', [toUrl(client), ...args], { stdio: 'inherit' });
  const ignore = () => {};
  // psql handles Ctrl-C while it runs.
  process.on('SIGINT', ignore);
  try {
    return await new Promise<number | undefined>((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') resolve(undefined);
        else reject(error);
      });
      child.once('close', (status) => resolve(status ?? 1));
    });
  } finally {
    process.off('SIGINT', ignore);
  }
}

async function runStatements(
  client: pg.Client,
  statements: readonly string[],
  output: Invocation['output'],
): Promise<void> {
  const results: Extract<DbJson, { action: 'psql' }>['results'][number][] = [];
  for (const sql of statements) {
    for (const result of [await client.query({ text: sql, rowMode: 'array' })].flat()) {
      const head = result.fields.map((field) => field.name);
      if (head.length > 0) output.table(head, result.rows as unknown[][]);
      else
        output.line(
          result.rowCount === null ? result.command : `${result.command} ${result.rowCount}`,
        );
      results.push({ columns: head, rows: result.rows, rowCount: result.rowCount });
    }
  }
  answer(output, { command: 'db', ok: true, action: 'psql', results });
}
