/** A load, its dry run and its replay use the same words and keys for the same file. */
import { describe, expect, it } from 'vitest';
import type { CliResult } from '../support/cli.js';
import { withoutLoads } from '../support/json.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const MODEL = 'tables:\n  texts:\n    columns: { id: int, body: text }\n';
const SIX_FIELDS =
  'tables:\n  texts:\n    columns: { id: int, a: text, b: text, c: text, d: text, e: text }\n';

const database = useEmptyDatabase();
const run = runnerFor(database);

/** What stderr says of how files are read. */
function readWith({ stderr }: Pick<CliResult, 'stderr'>): string[] {
  return stderr.split('\n').filter((line) => line.includes('is read with'));
}

const cases: readonly {
  readonly name: string;
  readonly model: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Part of the first reject's reason; undefined where nothing is rejected. */
  readonly reason: string | undefined;
  /** Part of what stderr says. */
  readonly readWith: string | undefined;
}[] = [
  {
    name: 'a line that looks like a footer',
    model: SIX_FIELDS,
    file: 'id,a,b,c,d,e\n1,a,b,c,d,e\n2,a,b,c,d,e\n3,a,b,c,d,e\nTotal: 3\n',
    args: [],
    reason: 'at the end of the file this looks like a footer, which --skip-footer passes over',
    readWith: undefined,
  },
  {
    name: 'lines that look like a footer, among other rejects',
    model: MODEL,
    file: 'id,body\n1,a\nx2,b\n3,c\n4,d,e\n5,f\nTotal\n',
    args: [],
    reason: 'not an integer',
    readWith: undefined,
  },
  {
    name: 'another delimiter and a field that has no column',
    model: MODEL,
    file: 'id;body;surplus\n1;a;b\n2;c;d\n',
    args: ['--on-new-column', 'ignore'],
    reason: undefined,
    readWith: 'semicolon between fields, new field "surplus" passed over',
  },
  {
    name: 'another order of fields, one of them missing',
    model: SIX_FIELDS,
    file: 'e,id,a,b,c\n1,2,3,4,5\nx,y,3,4,5\n',
    args: [],
    reason: 'not an integer',
    readWith: 'no field "d"',
  },
  {
    name: 'quotes that never close',
    model: MODEL,
    file: 'id,body\n1,a\n2,"b\n3,c\n4,d\n',
    args: [],
    reason: 'a quoted field is never closed',
    readWith: undefined,
  },
];

describe('of a file, the same is said by a load, a dry run and a replay', () => {
  it.each(cases)('$name', async ({ model, file, args, reason, readWith: words }) => {
    const cwd = await makeProject(model, { 'texts.csv': file });
    const dry = await run(cwd, 'ingest', 'texts.csv', '--dry-run', ...args);
    const loaded = await run(cwd, 'ingest', 'texts.csv', ...args);
    expect(readWith(dry)).toEqual(readWith(loaded));
    expect(readWith(loaded).join('\n')).toContain(words ?? '');
    expect(readWith(loaded)).toHaveLength(words === undefined ? 0 : 1);

    const [dryFile] = dry.json.files;
    const [loadedFile] = loaded.json.files;
    const { loadId } = loadedFile;
    expect({ ...dryFile, loadId }).toEqual(loadedFile);
    expect(Object.keys(dry.json)).toEqual(expect.arrayContaining(Object.keys(loaded.json)));

    const rejects = async () =>
      withoutLoads((await run(cwd, 'rejects', String(loadId))).json.rejects);
    const stored = await rejects();
    expect(withoutLoads(dry.json.firstRejects)).toEqual(stored);
    if (reason === undefined) expect(stored).toEqual([]);
    else expect(stored[0] ?? stored).toHaveProperty('reason', expect.stringContaining(reason));

    const replayed = await run(cwd, 'replay', String(loadId));
    expect(replayed.json.rows).toMatchObject({ loaded: 0, rejected: stored.length });
    expect(await rejects()).toEqual(stored);
  });
});
