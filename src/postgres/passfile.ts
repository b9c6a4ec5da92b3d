/**
 * ~/.pgpass, as libpq reads it: `host:port:database:user:password` on each line, `*` for anything,
 * `\` before a colon or a backslash. The first line that fits is used.
 *
 * edp reads the file itself: pg's own reader is announced to be removed, and accepts no `*` for the
 * port.
 * https://www.postgresql.org/docs/current/libpq-pgpass.html
 */
import { readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface PasswordOwner {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface FoundPassword {
  readonly password?: string;
  /**
   * Why an existing file was ignored. The message says it if the server then asks for a password.
   */
  readonly note?: string;
}

export function findPassword(owner: PasswordOwner, environment: Environment): FoundPassword {
  const file = environment.PGPASSFILE || path.join(environment.HOME ?? os.homedir(), '.pgpass');
  let text: string;
  try {
    const found = statSync(file);
    if (!found.isFile()) return { note: `${file} is no plain file` };
    if ((found.mode & 0o077) !== 0 && process.platform !== 'win32') {
      return { note: `${file} was passed over, since others can read it: chmod 600 ${file}` };
    }
    text = readFileSync(file, 'utf8');
  } catch {
    return {};
  }
  const password = matchPassword(text, owner);
  return password === undefined ? { note: `${file} has no line that fits` } : { password };
}

/** Where libpq looks for a socket by default; password files call it localhost. */
const DEFAULT_SOCKET_DIRECTORIES: ReadonlySet<string> = new Set([
  '/tmp',
  '/var/run/postgresql',
  '/run/postgresql',
]);

/** @param text content of a password file */
export function matchPassword(
  text: string,
  { host, port, database, user }: PasswordOwner,
): string | undefined {
  const hosts = DEFAULT_SOCKET_DIRECTORIES.has(host) ? [host, 'localhost'] : [host];
  const wanted = [hosts, [String(port)], [database], [user]];
  for (const line of text.split(/\r?\n/)) {
    if (line === '' || line.startsWith('#')) continue;
    const fields = splitFields(line);
    if (fields.length < 5) continue;
    const fits = wanted.every((values, i) => fields[i] === '*' || values.includes(fields[i]!));
    if (fits) return fields[4];
  }
  return undefined;
}

/**
 * Splits a line into five fields; the last one reaches up to the next unescaped colon, or to the
 * end.
 */
function splitFields(line: string): string[] {
  const fields: string[] = [];
  let field = '';
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    if (character === '\\' && i + 1 < line.length) field += line[++i];
    else if (character === ':') {
      fields.push(field);
      field = '';
      if (fields.length === 5) return fields;
    } else field += character;
  }
  fields.push(field);
  return fields;
}
