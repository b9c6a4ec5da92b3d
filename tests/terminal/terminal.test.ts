/** What is shown cannot command the terminal that shows it. */
import { Buffer } from 'node:buffer';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { safeData, safeJson, safeLines, safeText } from '../../src/base/safe-text.js';
import { Output } from '../../src/terminal/output.js';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('empty');
});

/** Colours, a title, C1's CSI, a bidi override, backspaces, a carriage return. */
const ATTACK = '\u001b[31mred\u001b]0;title\u0007\u009b2J\u202egnp\u2066\b\b\rover';
// biome-ignore lint/suspicious/noControlCharactersInRegex: these must not get through
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe('text', () => {
  it.each([
    { name: 'safeText', safe: safeText },
    { name: 'safeLines', safe: safeLines },
    { name: 'safeData', safe: safeData },
    { name: 'safeJson', safe: (text: string) => safeJson({ text }) },
  ])('by $name has no control characters', ({ safe }) => {
    for (let code = 0; code < 0x2100; code++) {
      const shown = safe(`a${String.fromCharCode(code)}b`);
      if (!(safe === safeData && code === 9)) expect(shown).not.toMatch(UNSAFE);
    }
    expect(safe('plain ünï 中 \u{1f600}')).toContain('plain ünï 中 \u{1f600}');
  });

  it('keeps its lines where they are meant, and its value as JSON', () => {
    expect(safeLines('a\nb')).toBe('a\nb');
    expect(safeText('a\nb\tc')).toBe('a\\nb\\tc');
    expect(safeData('a\tb\n\u001b')).toBe('a\tb\n\\x1b');
    expect(JSON.parse(safeJson({ text: ATTACK }))).toEqual({ text: ATTACK });
  });
});

describe('output', () => {
  function makeOutput(isTTY: boolean, isJson = false) {
    const written = { out: [] as (string | Uint8Array)[], err: '' };
    const stdout = {
      isTTY,
      write: (chunk: string | Uint8Array) => written.out.push(chunk) > 0,
    } as unknown as NodeJS.WriteStream;
    const stderr = {
      isTTY,
      write: (chunk: string) => {
        written.err += chunk;
        return true;
      },
    } as unknown as NodeJS.WriteStream;
    return { output: new Output(isJson, stdout, stderr), written };
  }

  it('of lines, notes, warnings, tables and results is safe by itself', () => {
    const { output, written } = makeOutput(false);
    output.line(ATTACK);
    output.note(ATTACK);
    output.warn(ATTACK);
    output.table([ATTACK], [[ATTACK]]);
    expect(written.out.join('') + written.err).not.toMatch(UNSAFE);
    const json = makeOutput(false, true);
    json.output.result({ [ATTACK]: ATTACK });
    expect(json.written.out.join('')).not.toMatch(UNSAFE);
    expect(JSON.parse(json.written.out.join(''))).toEqual({ [ATTACK]: ATTACK });
  });

  it('of data is byte for byte into a pipe, and escaped onto a terminal', async () => {
    const data = Buffer.concat([Buffer.from(ATTACK), Buffer.from([0xff, 0x00, 0x0a, 0x09])]);
    const piped = makeOutput(false);
    await piped.output.write(data);
    expect(piped.written.out).toEqual([data]);
    const shown = makeOutput(true);
    await shown.output.write(data);
    await shown.output.write(data);
    const text = shown.written.out.join('');
    expect(text.replaceAll('\t', '')).not.toMatch(UNSAFE);
    expect(text).toContain('\\x1b[31mred');
    expect(text).toContain('\n\t');
    expect(shown.written.err.match(/redirect the output to get the bytes/g)).toHaveLength(1);
  });
});

describe('a command', () => {
  it('shows names, values, reasons and errors escaped', async () => {
    const cwd = await makeDirectory();
    const env = { DATABASE_URL: database.url };
    const table = 't';
    const name = `a${ATTACK.replaceAll('\u0000', '')}\nedp: all is well.csv`;
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      `tables:\n  ${table}:\n    columns: { id: int, v: text }\n    key: id\n    metrics: { from: m, columns: {} }\n`,
    );
    const quoted = `"${JSON.stringify({ [ATTACK]: 1 }).replaceAll('"', '""')}"`;
    await writeFile(
      path.join(cwd, name),
      `id,v,m\n1,"${ATTACK}",${quoted}\n${ATTACK},x,\n2,"${ATTACK}" ${ATTACK},\n1,other,\n`,
    );
    await writeFile(path.join(cwd, `b${ATTACK}.csv`), `${ATTACK},v\n1,2\n`);
    const run = <const A extends readonly string[]>(...args: A) => edp(args, { cwd, env });

    const file = `./${name}`;
    const loaded = await run('ingest', file, '--table', table);
    expect(loaded.status, loaded.stderr).toBe(3);
    await database.query(`UPDATE ${table} SET v = $1`, [`${ATTACK}!`]);
    const rejects = await run('rejects', '1', '--json');
    const results = [
      loaded,
      await run('ingest', file, '--table', table),
      await run('ingest', file, '--table', table, '--json', '--force'),
      await run('ingest', `./b${ATTACK}.csv`, '--table', table),
      await run('ingest', `./b${ATTACK}.csv`, '--table', table, '--json'),
      await run('ingest', `./c${ATTACK}.csv`),
      await run('ingest', file, '--table', ATTACK),
      await run('ingest', 'x', `--${ATTACK}`),
      await run('ingest', file, '--process-count', ATTACK),
      await run('status'),
      await run('status', '1'),
      await run('status', '1', '--json'),
      await run('status', ATTACK),
      await run('rejects', '1'),
      rejects,
      await run('verify', '1'),
      await run('verify', '1', '--json'),
      await run('verify', '1', ATTACK),
      await run('promote', ATTACK, '--type', 'text', '--column', 'p'),
      await run('promote', ATTACK, '--table', ATTACK),
      await run('generate-report', ATTACK),
      await run('generate-report', 'unknown_metrics', '--format', 'table'),
      await run(ATTACK),
    ];
    for (const [i, { stdout, stderr }] of results.entries()) {
      const shown = `${i}: ${stdout}${stderr}`;
      expect(shown, `output ${i}`).not.toMatch(UNSAFE);
      // Nor can a name put a line of its own among edp's.
      expect(shown).not.toMatch(/^edp: all is well/m);
    }
    expect(results[13]!.stdout).toMatch(/\\x1b\[31mred/);
    expect(rejects.json.rejects[0].raw).toContain(ATTACK);

    const raw = await run('rejects', '1', '--raw');
    expect(raw.stdout).toContain(`${ATTACK},x,\n`);
  });
});
