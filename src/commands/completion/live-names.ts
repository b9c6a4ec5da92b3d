/** Names of the project and of its database, for completion: starts no server, and makes no folder. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { packageFile } from '../../base/package-files.js';
import { PROJECT_FILE, readProjectText } from '../../project/file.js';
import type { CompletionKind } from '../command.js';

export interface Candidate {
  readonly value: string;
  /** A few words, for shells that show them. */
  readonly note: string;
}

/** More than these nobody reads. */
const MOST = 200;

type LiveKind = Exclude<CompletionKind, 'data' | 'file' | 'folder'> | 'run';

/** @param url of `--database-url`, where it is given */
export async function listNamesOf(kind: LiveKind, url: string | undefined): Promise<Candidate[]> {
  switch (kind) {
    case 'report':
      return listReports();
    case 'load':
      return query(url, LOADS);
    case 'run':
      return query(url, RUNS);
    case 'environment':
      return query(url, ENVIRONMENTS);
    default:
      return (await readDeclared()).filter(({ kinds }) => kinds.includes(kind)).map(toCandidate);
  }
}

interface Declared {
  readonly value: string;
  readonly note: string;
  readonly kinds: readonly LiveKind[];
}

const toCandidate = ({ value, note }: Declared): Candidate => ({ value, note });

/** Sections of edp.yaml → what their names are. */
const SECTIONS: Readonly<Record<string, readonly LiveKind[]>> = {
  silver: ['task', 'relation'],
  dimensions: ['task', 'relation'],
  facts: ['task', 'relation'],
  models: ['task', 'relation'],
  views: ['task', 'relation', 'view'],
};

/** Read without a check, so that a fault somewhere in edp.yaml hides no names. */
async function readDeclared(): Promise<Declared[]> {
  const file = path.join(process.cwd(), PROJECT_FILE);
  const text = await readProjectText(file);
  const [{ parseDocument }, { withIncluded }] = await Promise.all([
    import('yaml'),
    import('../../project/include.js'),
  ]);
  const texts = text === undefined ? [] : await withIncluded(file, text);
  const parts = texts.map(
    (one) => parseDocument(one.text, { logLevel: 'silent' }).toJS() as unknown,
  );
  const tables = parts.flatMap((part) => keysOf(part, 'tables'));
  const names = tables.length > 0 ? tables : await builtinTables();
  return [
    ...names.map((value): Declared => ({ value, note: 'table', kinds: ['table', 'relation'] })),
    ...Object.entries(SECTIONS).flatMap(([section, kinds]) =>
      parts.flatMap((part) =>
        keysOf(part, section).map((value) => ({ value, note: section, kinds })),
      ),
    ),
  ];
}

async function builtinTables(): Promise<string[]> {
  const { BUILTIN_MODEL } = await import('../../model/builtin.js');
  return BUILTIN_MODEL.tables.map(({ name }) => name);
}

function keysOf(part: unknown, section: string): string[] {
  if (typeof part !== 'object' || part === null) return [];
  const value = (part as Record<string, unknown>)[section];
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
}

async function listReports(): Promise<Candidate[]> {
  const namesIn = async (folder: string, note: string) => {
    const files = await readdir(folder).catch(() => []);
    return files
      .filter((file) => file.endsWith('.sql'))
      .map((file) => ({ value: file.slice(0, -'.sql'.length), note }));
  };
  const own = await namesIn(path.join('sql', 'reports'), 'of the project');
  const builtin = await namesIn(packageFile('sql/reports/'), 'built-in');
  const isOwn = new Set(own.map(({ value }) => value));
  return [...own, ...builtin.filter(({ value }) => !isOwn.has(value))];
}

const LOADS = `SELECT load_id::text AS value, path || ' → ' || table_name || ', ' || state AS note
  FROM edp.loads ORDER BY load_id DESC LIMIT ${MOST}`;
const RUNS = `SELECT run_id::text AS value, command || ', ' || state AS note
  FROM edp.runs ORDER BY run_id DESC LIMIT ${MOST}`;
const ENVIRONMENTS = `SELECT DISTINCT substring(task FROM '__([^.]+)') AS value, 'environment' AS note
  FROM edp.tasks WHERE task ~ '__[^.]+[.]' ORDER BY 1 LIMIT ${MOST}`;

async function query(given: string | undefined, text: string): Promise<Candidate[]> {
  const config = await findServer(given);
  if (config === undefined) return [];
  const { connectOnce } = await import('../../postgres/connection.js');
  const client = await connectOnce(config, 'completion');
  const { rows } = await client.query<Candidate>(text);
  // The process ends now, and the connection with it.
  return rows.map(({ value, note }) => ({ value, note: note.replace(/\s+/g, ' ') }));
}

/** @returns undefined where the embedded server does not run */
async function findServer(given: string | undefined) {
  const [{ resolveServer }, { loadDatabaseKeys }] = await Promise.all([
    import('../../postgres/which-server.js'),
    import('../../project/project.js'),
  ]);
  const { options } = await loadDatabaseKeys();
  const named = given ?? process.env.EDP_DATABASE_URL ?? options['database-url'];
  const address = resolveServer(typeof named === 'string' ? named : undefined, process.env);
  if (address.kind === 'server') return address.client;
  if (!existsSync('.edp')) return undefined;
  const { findEmbeddedServer } = await import('../../postgres/embedded/embedded-server.js');
  return (await findEmbeddedServer(process.cwd()))?.client;
}
