/** Finds the source of a name or a version. A new source is a line in each of the two lists. */
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import type { FileIdentity } from './file-identity.js';
import { isFile, localFiles } from './local-files.js';
import type { InputFile, Source } from './source.js';
import { isStdin, namesStdin, standardInput } from './standard-input.js';

/** `s3://…`; not `C:\…`. */
const SCHEME = /^([a-z][a-z0-9+.-]+):\/\//i;

/**
 * Sources by the beginning of names. The HTTP client loads slowly, so it is loaded only when
 * needed.
 */
const BY_SCHEME: Readonly<Record<string, () => Promise<Source>>> = {
  http: loadHttpFiles,
  https: loadHttpFiles,
};

const BY_KIND: Readonly<Record<FileIdentity['kind'], () => Source | Promise<Source>>> = {
  local: () => localFiles,
  http: loadHttpFiles,
};

async function loadHttpFiles(): Promise<Source> {
  return (await import('./http/http-files.js')).httpFiles;
}

/** Whether a name is a URL and not a path. */
export function isUrl(name: string): boolean {
  return SCHEME.test(name);
}

/** @throws EdpError `usage` for a URL with an unsupported scheme */
export async function sourceOfName(name: string): Promise<Source> {
  if (namesStdin(name)) return standardInput;
  const scheme = SCHEME.exec(name)?.[1]?.toLowerCase();
  if (scheme === undefined) return localFiles;
  const load = BY_SCHEME[scheme];
  if (load === undefined) {
    const known = Object.keys(BY_SCHEME).map((one) => `${one}://`);
    throw new EdpError('usage', `edp reads no files from ${scheme}://`, {
      hint: `it reads local files, and ${known.join(' and ')}; others can be piped in: edp ingest - --table NAME`,
    });
  }
  return load();
}

async function sourceOf(file: InputFile): Promise<Source> {
  if (file.copy !== undefined) return localFiles;
  if (file.remote !== undefined) return sourceOfName(file.remote.url);
  return isStdin(file) ? standardInput : localFiles;
}

/** The current version of a file. @throws EdpError as {@link Source.version} does */
export async function versionOf(file: InputFile): Promise<FileIdentity> {
  return (await sourceOf(file)).version(file);
}

/** Passes on all bytes of a file that can only be read once: see {@link Source.readOnce}. */
export async function readOnce<T>(
  file: InputFile,
  take: (bytes: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  return (await sourceOf(file)).readOnce(file, take);
}

export async function sourceOfVersion({ kind }: FileIdentity): Promise<Source> {
  return BY_KIND[kind]();
}

/** The file with that name in the same directory; undefined if the source cannot list files. */
export async function findBeside(file: InputFile, name: string): Promise<InputFile | undefined> {
  if (file.remote !== undefined || isStdin(file)) return undefined;
  const beside = path.join(path.dirname(file.path), name);
  return (await isFile(beside)) ? { name, path: beside } : undefined;
}
