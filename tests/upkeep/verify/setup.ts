/** A project with its own model and files, which are loaded and then verified. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { type CliResult, edp, makeDirectory } from '../../support/cli.js';
import { type TestDatabase, useTestDatabase } from '../../support/database.js';
import { generateEvents } from '../../support/events.js';
import type { CommandOf } from '../../support/json.js';

export interface VerifyProject {
  readonly cwd: string;
  write(name: string, content: string | Buffer): Promise<void>;
  /** Loads files. @returns the load number of the first one */
  ingest(...args: string[]): Promise<number>;
  run<const A extends readonly string[]>(...args: A): Promise<CliResult<CommandOf<A>>>;
  verify(loadId: number, ...args: string[]): Promise<CliResult<'verify'>>;
}

/** A database for tables of the tests' own, and one with the built-in tables. */
export function useVerifyDatabases(): { database: TestDatabase; events: TestDatabase } {
  return { database: useTestDatabase('empty'), events: useTestDatabase() };
}

/** @param model text under `tables:`; none for the built-in tables */
export async function makeProject(
  database: TestDatabase,
  model: string | undefined,
  files: Readonly<Record<string, string | Buffer>> = {},
): Promise<VerifyProject> {
  const cwd = await makeDirectory();
  const write = (name: string, content: string | Buffer) =>
    writeFile(path.join(cwd, name), content);
  if (model !== undefined) await write('edp.yaml', `tables:\n${model}`);
  for (const [name, content] of Object.entries(files)) await write(name, content);
  const run = <const A extends readonly string[]>(...args: A) =>
    edp(args, { cwd, env: { DATABASE_URL: database.url } });
  return {
    cwd,
    write,
    run,
    async ingest(...args) {
      const result = await run('ingest', '--json', ...args);
      if (result.status !== 0 && result.status !== 3) throw new Error(result.stderr);
      return result.json.files[0].loadId as number;
    },
    verify: (loadId, ...args) => run('verify', String(loadId), '--json', ...args),
  };
}

/** Numbers the tables, so that each test has its own. */
let tables = 0;
export const newTable = () => `t${++tables}`;

export const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;

export interface Case {
  readonly name: string;
  /** Declaration under the table's name in edp.yaml. */
  readonly model: string;
  readonly file: string;
  readonly args?: readonly string[];
  /** Files loaded before. */
  readonly before?: readonly string[];
  /** Files loaded afterwards. */
  readonly after?: readonly { readonly file: string; readonly args?: readonly string[] }[];
  /** SQL for the table `$t` before loading. */
  readonly make?: string;
  /** SQL that changes what was loaded; `$t` is the table, `$load` the load. */
  readonly change?: string;
  /** Differences by kind; none where file and table agree. */
  readonly counts?: Readonly<Record<string, number>>;
  /** Expected differences, in order. */
  readonly differences?: readonly object[];
  /** Columns that are not compared. */
  readonly uncompared?: readonly string[];
}

export async function checkCase(
  database: TestDatabase,
  { counts = {}, differences, uncompared, ...one }: Case,
): Promise<void> {
  const result = await verifyCase(database, one);
  expect(result.json.error, result.stderr).toBeUndefined();
  expect(result.json.counts, result.stderr).toEqual(counts);
  expect(result.status).toBe(Object.keys(counts).length === 0 ? 0 : 1);
  expect(result.json.ok).toBe(result.status === 0);
  expect(result.json.uncompared).toEqual(uncompared);
  if (differences !== undefined) expect(result.json.differences).toMatchObject(differences);
}

/** Loads what a case says, and verifies it. */
export async function verifyCase(
  database: TestDatabase,
  { model, file, args = [], before = [], after = [], make, change }: Case,
): Promise<CliResult<'verify'>> {
  const table = newTable();
  const project = await makeProject(database, `  ${table}:\n${model}`);
  const sql = (text: string, load = 0) =>
    database.query(text.replaceAll('$t', quote(table)).replaceAll('$load', String(load)));
  if (make !== undefined) await sql(make);
  const ingest = async (name: string, content: string, extraArgs: readonly string[]) => {
    await project.write(name, content);
    return project.ingest(name, '--table', table, ...extraArgs);
  };
  for (const [i, content] of before.entries()) await ingest(`before-${i}.csv`, content, []);
  const load = await ingest('file.csv', file, args);
  for (const [i, { file: content, args: extraArgs = [] }] of after.entries()) {
    await ingest(`after-${i}.csv`, content, extraArgs);
  }
  if (change !== undefined) for (const one of change.split(';\n')) await sql(one, load);
  return project.verify(load);
}

export const ITEMS = '    columns: { id: int, body: text, amount: numeric }\n    key: id\n';
export const FILE = 'id,body,amount\n1,a,1.0\n2,b,2\n3,c,3.50\n';

export const ALL_TYPES = `    columns:
      id: bigint
      s: smallint
      i: int
      r: real
      d: double
      n: numeric
      t: text
      b: boolean
      day: date
      at: timestamp
      atz: timestamptz
      u: uuid
      j: json
      jb: jsonb
    key: id
`;
export const TYPES_HEADER = 'id,s,i,r,d,n,t,b,day,at,atz,u,j,jb\n';

/** Values with more than one form, or at the limits of their type. */
export const ODD_ROWS = [
  '1,-32768,-2147483648,-0,-0,0.000,,yes,infinity,infinity,-infinity,{00112233-4455-6677-8899-AABBCCDDEEFF},"{""a"" : 1 , ""a"":2}","{""b"":1,""a"":{""y"":1.50,""x"":1e3},""b"":2}"',
  '2,7,+7,NaN,nan,NaN,"",f,0001-01-01,0001-01-01T00:00:00+15,2024-02-29T23:59:60Z,00112233445566778899aabbccddeeff,"[ ]","[1.0,1.00,-0,-0.0,1E-7,12345678901234567890.123]"',
  '3,12.0,0,1e-45,4.9e-324,-Infinity,\u00fc\u{1f600}\u200f,1,-infinity,9999-12-31 24:00:00,9999-12-31 23:59:59.999999-15,,null,null',
  '4,,,3.4028235e38,1.7976931348623157e308,1e-30,"a ""quoted""\nline",off,20240101,20240101T000000,,,"""\\u00e9\\ud83d\\ude00\\n""","""\\u00e9\\ud83d\\ude00\\n\\/"""',
  `5,,,16777217,0.1,${'9'.repeat(60)}.${'1'.repeat(40)},"\\N",t,,2024-01-01 00:00:00.0000005,,,"{""z"":[],""k"":{}}","{""z"":[],""k"":{},"""":0}"`,
  '6,,,,,inf," x ",n,,,,,,"{""a"":""1"",""a"":{""b"":[true,false,null]}}"',
];

/** A project with the built-in tables, emptied. */
export async function makeEventsProject(events: TestDatabase): Promise<VerifyProject> {
  await events.query('TRUNCATE events, first_dimensions, second_dimensions');
  await events.query('TRUNCATE edp.loads CASCADE');
  return makeProject(events, undefined);
}

/** Two event files of 10,000 records, loaded. */
export async function loadEvents(events: TestDatabase, dirty: string) {
  const project = await makeEventsProject(events);
  const args = ['--files', '2', '--count', '20000', '--dirty', dirty, '--unknown-metrics', '0.01'];
  const { files } = await generateEvents(project.cwd, ...args);
  await project.run('seed-dimensions');
  const loads: number[] = [];
  for (const file of files) loads.push(await project.ingest(file, '--read-batch-size', '700'));
  return { project, files, loads };
}
