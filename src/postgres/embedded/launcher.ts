/**
 * The user that the embedded server runs as. PostgreSQL refuses root, so there are four ways:
 *
 * - `direct`: an ordinary user starts it as itself.
 * - `namespace`: root runs it in a user namespace in which root's files belong to an ordinary user;
 *   this works in directories that no other user can enter.
 * - `owner`: root runs it as the owner of data that is there already.
 * - `account`: where user namespaces are not allowed (many containers), another account of the
 *   machine runs it, on copies of the programs and with a data directory that this account can
 *   reach.
 *
 * Data is looked for before a way is chosen, so that it is found where it was made, whatever the
 * machine allows today.
 */
import { execFile, type SpawnOptions } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chown, cp, lchown, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { isAlive } from '../../base/alive.js';
import { EdpError } from '../../base/errors.js';
import { makePrivateDirectory } from '../../base/make-directory.js';
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
  readonly kind: 'direct' | 'namespace' | 'owner' | 'account';
  /** Directory in which the server can keep data and socket. */
  readonly home: string;
  /** Another place with data of the same project, which is not used. */
  readonly otherHome?: string;
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
  await makePrivateDirectory(home);
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
  const accountHome = homeOfAccount(home);
  const owner = await findDataOwner(home);
  if (owner === undefined && (forced === 'account' || (await findDataOwner(accountHome)))) {
    return accountLauncher(accountHome, binaries, account);
  }
  const other = owner && (await findDataOwner(accountHome)) ? { otherHome: accountHome } : {};
  // An ordinary user made the data, or an account for root.
  if (owner !== undefined && owner.uid !== 0) {
    return { ...(await ownerLauncher(home, binaries, owner)), ...other };
  }
  const prefix = ['--user', `--map-user=${account.uid}`, `--map-group=${account.gid}`, '--'];
  const env = serverEnvironment(environment);
  const works =
    forced !== 'account' &&
    (await run('unshare', [...prefix, binaries.postgres, '--version'], { cwd: home, env })
      .then(() => run('unshare', [...prefix, 'test', '-w', home], { cwd: '/', env }))
      .then(
        () => true,
        () => false,
      ));
  if (works) {
    return {
      kind: 'namespace',
      home,
      ...other,
      binaries,
      environment,
      wrap: (program, args) => ({
        command: 'unshare',
        args: [...prefix, program, ...args],
        options: { cwd: home },
      }),
    };
  }
  if (owner === undefined) return accountLauncher(accountHome, binaries, account);
  // Root's data, and no namespace today: it stays where it is, and gets an owner that can run it.
  const launcher = await ownerLauncher(home, binaries, account);
  await giveTo(home, account);
  return { ...launcher, ...other };
}

/** What a program of PostgreSQL needs of edp's environment, which may hold passwords and keys. */
const SERVER_VARIABLES = [
  'PATH',
  'TMPDIR',
  'TMP',
  'TEMP',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'SystemRoot',
  'SystemDrive',
  'ComSpec',
  'PATHEXT',
] as const;

/** @param own variables of the launcher */
export function serverEnvironment(own: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const needed = SERVER_VARIABLES.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(needed), ...own, LC_ALL: 'C' };
}

/** Where the account keeps the data of a project. */
function homeOfAccount(projectHome: string): string {
  const project = createHash('sha256').update(projectHome).digest('hex').slice(0, 16);
  return path.join(ACCOUNT_HOME, project);
}

async function findDataOwner(home: string): Promise<Account | undefined> {
  const data = path.join(home, 'data');
  const made = await stat(path.join(data, 'PG_VERSION')).catch(() => undefined);
  return made === undefined ? undefined : stat(data).then(({ uid, gid }) => ({ uid, gid }));
}

/** Capabilities of which one lets a program reach its directory through those of root. */
const REACHING = ['dac_read_search', 'dac_override'] as const;

/** Runs the server as the owner of its data, also where only root can enter the directories above. */
async function ownerLauncher(home: string, binaries: Binaries, owner: Account): Promise<Launcher> {
  const own = await copyBinaries(binaries);
  const launcher = { kind: 'owner', home, binaries: own, environment: {} } as const;
  // Not `test -x`: the system answers that without the capabilities.
  const enter = ['ls', '-d', path.join(home, '.')] as const;
  const canEnter = await run(enter[0], enter.slice(1), { ...owner, cwd: '/' }).then(
    () => true,
    () => false,
  );
  if (canEnter) {
    return {
      ...launcher,
      wrap: (command, args) => ({ command, args, options: { ...owner, cwd: home } }),
    };
  }
  for (const capability of REACHING) {
    const prefix = [
      `--reuid=${owner.uid}`,
      `--regid=${owner.gid}`,
      '--clear-groups',
      `--inh-caps=+${capability}`,
      `--ambient-caps=+${capability}`,
      '--',
    ];
    const works = await run('setpriv', [...prefix, ...enter], { cwd: '/' }).then(
      () => true,
      () => false,
    );
    if (!works) continue;
    return {
      ...launcher,
      wrap: (program, args) => ({
        command: 'setpriv',
        args: [...prefix, program, ...args],
        options: { cwd: home },
      }),
    };
  }
  throw new EdpError(
    'embedded_failed',
    `the data in ${home} cannot be used by root here: this machine allows neither user namespaces nor capabilities`,
    {
      hint: 'run edp as the user that made it, or allow user namespaces; the data is unchanged',
    },
  );
}

/** Makes an account the owner of a server's files, while no server runs on them. */
async function giveTo(home: string, { uid, gid }: Account): Promise<void> {
  const running = await readFile(path.join(home, 'data', 'postmaster.pid'), 'utf8').catch(() => '');
  if (isAlive(Number.parseInt(running, 10))) return;
  await chown(home, uid, gid);
  const entries = await readdir(home, { recursive: true });
  for (const name of entries) await lchown(path.join(home, name), uid, gid);
}

async function accountLauncher(
  home: string,
  binaries: Binaries,
  account: Account,
): Promise<Launcher> {
  try {
    await mkdir(ACCOUNT_HOME, { recursive: true, mode: 0o755 });
    await makePrivateDirectory(home);
    const owner = (await findDataOwner(home)) ?? account;
    await chown(home, owner.uid, owner.gid);
    return {
      kind: 'account',
      home,
      binaries: await copyBinaries(binaries),
      environment: {},
      wrap: (command, args) => ({ command, args, options: { ...owner, cwd: home } }),
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

/** The programs where every account can read them. */
async function copyBinaries(binaries: Binaries): Promise<Binaries> {
  const root = path.join(ACCOUNT_HOME, `postgres-${binaries.version}`);
  await mkdir(ACCOUNT_HOME, { recursive: true, mode: 0o755 });
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
    ...binaries,
    root,
    postgres: path.join(root, 'bin', 'postgres'),
    initdb: path.join(root, 'bin', 'initdb'),
  };
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
