/**
 * Starts edp for a demonstration: in a folder of its own, on an embedded server of its own, whatever the environment
 * says of other servers, pipelines and receivers.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const EDP = path.resolve(import.meta.dirname, '../dist/cli.js');

/** They name servers, options and receivers of somebody else's work. */
const OF_OTHERS = /^(EDP_|PG|POSTGRES_|OTEL_|DATABASE_URL$|SOURCE_URL$)/;

function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_OTHERS.test(name)));
}

const quote = (word) => (/[\s*?&]/.test(word) ? `'${word}'` : word);

/** @param name of the demonstration, in the name of its folder */
export function makeEdp(name) {
  const directory = mkdtempSync(path.join(tmpdir(), `edp-${name}-`));
  const environment = cleanEnvironment();
  const optionsOf = (stdio) => ({ cwd: directory, env: environment, stdio, encoding: 'utf8' });

  /** @returns what it prints; without a word about it */
  function read(args) {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [EDP, ...args],
      optionsOf('pipe'),
    );
    if (status !== 0)
      throw new Error(`edp ${args.join(' ')} ended with status ${status}: ${stderr}`);
    return stdout.trim();
  }

  return {
    directory,
    /** Variables that edp.yaml asks for. */
    environment,
    read,

    /** Runs a command as a user would, while a server of this process may answer it. */
    async edp(args, note, expected = 0) {
      if (note !== undefined) process.stdout.write(`\n# ${note}\n`);
      process.stdout.write(`\n$ edp ${args.map(quote).join(' ')}\n`);
      const child = spawn(process.execPath, [EDP, ...args], optionsOf('inherit'));
      const status = await new Promise((resolve, reject) => {
        child.once('error', reject).once('close', resolve);
      });
      if (status === expected) return;
      process.exitCode = status || 1;
      throw new Error(`edp ${args.join(' ')} ended with status ${status}, not ${expected}`);
    },

    /**
     * Where another database of the server of this demonstration is.
     *
     * @throws where the server is not one of this folder, or the address has no database
     */
    urlOf(database) {
      const url = new URL(read(['db', 'url']));
      const socket = url.searchParams.get('host') ?? '';
      const isOwn = url.protocol === 'postgresql:' && url.hostname === '' && socket !== '';
      if (!isOwn || url.pathname.length < 2) {
        throw new Error(`edp db url names no embedded server: ${url.protocol}//${url.hostname}`);
      }
      url.pathname = `/${database}`;
      return url.href;
    },

    /** Ends the server and removes all that was made. */
    end() {
      spawnSync(process.execPath, [EDP, 'db', 'stop'], optionsOf('ignore'));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
