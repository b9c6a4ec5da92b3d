/**
 * The user that the embedded server runs as. PostgreSQL refuses root, so there are three ways:
 *
 * - `direct`: an ordinary user starts it as itself.
 * - `namespace`: root runs it in a user namespace in which root's files belong to an ordinary user;
 *   this works in directories that no other user can enter.
 * - `account`: where user namespaces are not allowed (many containers), another account of the
 *   machine runs it, on copies of the programs and with a data directory that this account can
 *   reach.
 */
import { execFile, type SpawnOptions } from 'node:child_process';
import { chown, cp, mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { EdpError } from '../../base/errors.js';
import { type Binaries, ensureLibraryLinks } from './binaries.js';

const run = promisify(execFile);

/** Parent directory of the `account` launcher's files; only root can write there. */
const ACCOUNT_HOME = '/var/lib/edp';

/** Forces one launcher, for tests and for machines where the wrong one is chosen. */
const LAUNCHER_VARIABLE = 'EDP_EMBEDDED_LAUNCHER';

interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface Launcher {
  readonly kind: 'direct' | 'namespace' | 'account';
  /** Directory in which the server can keep data and socket. */
  readonly home: string;
  readonly binaries: Binaries;
  /** Environment variables that the programs need to find their libraries. */
  readonly environment: Readonly<Record<string, string>>;
  /** The command to spawn so that `program` runs as the right user. */
  wrap(
    program: string,
    args: readonly string[],
  ): {
    readonly command: string;
    readonly args: readonly string[];
    readonly options: Pick<SpawnOptions, 'uid' | 'gid' | 'cwd'>;
  };
}

/**
 * @param home directory of the project's embedded server, such as `.edp/pg18`; created if missing
 */
export async function chooseLauncher(home: string, binaries: Binaries): Promise<Launcher> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const forced = process.env[LAUNCHER_VARIABLE];
  const environment = await ensureLibraryLinks(binaries.root, path.join(home, 'lib'));
  if (process.getuid?.() !== 0) {
    return {
      kind: 'direct',
      home,
      binaries,
      environment,
      wrap: (command, args) => ({ command, args, options: { cwd: home } }),
    };
  }
  const account = await findAccount();
  if (forced !== 'account') {
    const prefix = ['--user', `--map-user=${account.uid}`, `--map-group=${account.gid}`, '--'];
    const works = await run('unshare', [...prefix, binaries.postgres, '--version'], {
      cwd: home,
      env: { ...process.env, ...environment },
    })
      .then(() => run('unshare', [...prefix, 'test', '-w', home], { cwd: '/' }))
      .then(
        () => true,
        () => false,
      );
    if (works) {
      return {
        kind: 'namespace',
        home,
        binaries,
        environment,
        wrap: (program, args) => ({
          command: 'unshare',
          args: [...prefix, program, ...args],
          options: { cwd: home },
        }),
      };
    }
  }
  return accountLauncher(home, binaries, account);
}

async function accountLauncher(
  projectHome: string,
  binaries: Binaries,
  account: Account,
): Promise<Launcher> {
  try {
    const { createHash } = await import('node:crypto');
    const project = createHash('sha256').update(projectHome).digest('hex').slice(0, 16);
    const home = path.join(ACCOUNT_HOME, project);
    const root = path.join(ACCOUNT_HOME, `postgres-${binaries.version}`);
    await mkdir(ACCOUNT_HOME, { recursive: true, mode: 0o755 });
    await mkdir(home, { recursive: true, mode: 0o700 });
    await chown(home, account.uid, account.gid);
    const isCopied = await stat(path.join(root, 'complete')).then(
      () => true,
      () => false,
    );
    if (!isCopied) {
      await cp(binaries.root, root, { recursive: true, verbatimSymlinks: true });
      await ensureLibraryLinks(root, path.join(root, 'lib'));
      await mkdir(path.join(root, 'complete'), { recursive: true });
    }
    return {
      kind: 'account',
      home,
      binaries: {
        ...binaries,
        root,
        postgres: path.join(root, 'bin', 'postgres'),
        initdb: path.join(root, 'bin', 'initdb'),
      },
      environment: {},
      wrap: (command, args) => ({ command, args, options: { ...account, cwd: home } }),
    };
  } catch (error) {
    throw new EdpError(
      'embedded_failed',
      `PostgreSQL does not run as root, and no other way was found: ${(error as Error).message}`,
      {
        hint: 'run edp as an ordinary user, allow user namespaces, or name a server with --database-url',
        cause: error,
      },
    );
  }
}

/** An account of the machine other than root; initdb requires one with a name. */
async function findAccount(): Promise<Account> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n');
  const accounts = new Map(
    lines
      .map((line) => line.split(':'))
      .map(([name, , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }] as const),
  );
  for (const name of ['postgres', 'nobody', 'node', 'daemon']) {
    const account = accounts.get(name);
    if (account !== undefined && account.uid > 0) return account;
  }
  throw new EdpError(
    'embedded_failed',
    'PostgreSQL does not run as root, and /etc/passwd names no other account',
    {
      hint: 'run edp as an ordinary user, or name a server with --database-url',
    },
  );
}
