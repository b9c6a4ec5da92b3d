/** A load remembers how it read its file: replay, verify and rejects --raw read it so, whatever the dialect. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { startEdp } from '../support/cli.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const MODEL = 'tables:\n  texts:\n    columns: { id: int, body: text }\n';

const database = useEmptyDatabase();
const run = runnerFor(database);

/** What `rejects --raw` writes, which need not be UTF-8. */
async function writeRaw(cwd: string, load: string): Promise<Buffer> {
  const args = ['rejects', load, '--raw', '--database-url', database.url];
  const chunks: Buffer[] = [];
  for await (const chunk of startEdp(args, { cwd }).stdout!) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const project = (file: string | Buffer) => makeProject(MODEL, { 'texts.csv': file });

describe('what a load made of its file is found again in any dialect', () => {
  const cases: readonly {
    readonly name: string;
    readonly file: string | Buffer;
    readonly args: readonly string[];
    /** What `rejects --raw` gives. */
    readonly raw: string | Buffer;
    readonly bodies: readonly string[];
  }[] = [
    {
      name: 'a delimiter of two, single quotes, backslashes, comments',
      file: "id||body\r\n# none\r\n1||'it\\'s'\r\nx2||'a\r\nb||\\'c'\r\n",
      args: ['--delimiter=||', '--quote=single', '--escape=backslash', '--comment=#'],
      raw: "id||body\nx2||'a\r\nb||\\'c'\n",
      bodies: ["it's", "a\r\nb||'c"],
    },
    {
      name: 'CR LF alone as line end',
      file: 'id,body\r\n1,a\nb\r\nx2,c\rd\r\n',
      args: ['--line-end=crlf'],
      raw: 'id,body\r\nx2,c\rd\r\n',
      bodies: ['a\nb', 'c\rd'],
    },
    {
      name: 'no header, and lines that are no records at both ends',
      file: 'about this file\n1;a\nx2;b\nTotal;2\n',
      args: ['--header=false', '--columns=id,body', '--skip-lines=1', '--skip-footer=1'],
      raw: 'x2;b\n',
      bodies: ['a', 'b'],
    },
    {
      name: 'another encoding',
      file: Buffer.from('id,body\n1,caf\xe9\nx2,na\xefve\n', 'latin1'),
      args: ['--encoding=windows-1252'],
      raw: Buffer.from('id,body\nx2,na\xefve\n', 'latin1'),
      bodies: ['café', 'naïve'],
    },
    {
      name: 'nothing quoted',
      file: 'id\tbody\n1\t"a\nx2\tb"\n',
      args: ['--quote=none'],
      raw: 'id\tbody\nx2\tb"\n',
      bodies: ['"a', 'b"'],
    },
  ];
  it.each(cases)('$name', async ({ file, args, raw, bodies }) => {
    const cwd = await project(file);
    const loaded = await run(cwd, 'ingest', 'texts.csv', ...args);
    expect(loaded.json?.rows, loaded.stderr).toMatchObject({ loaded: 1, rejected: 1 });
    const load = String(loaded.json.files[0].loadId);
    expect(await run(cwd, 'verify', load)).toMatchObject({ status: 0, json: { ok: true } });
    expect(await writeRaw(cwd, load)).toEqual(Buffer.from(raw));

    await database.query('ALTER TABLE texts ALTER id TYPE text');
    await writeFile(path.join(cwd, 'edp.yaml'), MODEL.replace('id: int', 'id: text'));
    const replayed = await run(cwd, 'replay', load);
    expect(replayed.json?.rows, replayed.stderr).toMatchObject({ loaded: 1, rejected: 0 });
    const rows = await database.query('SELECT body FROM texts ORDER BY id');
    expect(rows.map(([body]) => body)).toEqual(bodies);
    expect(await run(cwd, 'verify', load)).toMatchObject({ status: 0, json: { ok: true } });
    // Another file is read in the same way.
    await writeFile(path.join(cwd, 'copy.csv'), file);
    expect(await run(cwd, 'verify', load, 'copy.csv')).toMatchObject({ status: 0 });
  });
});

it('a load that was begun in one format is not gone on with in another', async () => {
  const cwd = await project('id,body\n1,a\n2,b,c\n');
  const begun = await run(cwd, 'ingest', 'texts.csv', '--max-rejects', '0');
  expect(begun.status).toBe(1);
  const other = await run(cwd, 'ingest', 'texts.csv', '--quote', 'none');
  expect(other.status).toBe(1);
  expect(other.json.files[0]).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('in another format'),
  });
  expect(await run(cwd, 'ingest', 'texts.csv')).toMatchObject({ status: 3 });
  expect(await database.query('SELECT id FROM texts')).toEqual([[1]]);
});
