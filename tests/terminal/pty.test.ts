/** What a user sees on a terminal: bar, lines, notices, tables and colours. */
import { beforeEach, describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { generateEvents } from '../support/events.js';
import { slowLoads } from '../support/ledger.js';
import { hasTerminal, onTerminal, screenOf } from '../support/pty.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences of colours begin with it
const COLOUR = /\u001b\[(?:1|2\d|3\d|9\d)m/;
const CTRL_C = '\u0003';

const database = useTestDatabase();
beforeEach(async () => {
  await database.query('TRUNCATE events, first_dimensions, second_dimensions');
  await database.query('TRUNCATE edp.loads CASCADE');
});

async function prepare(files: number, records: number) {
  const cwd = await makeDirectory();
  await generateEvents(cwd, '--files', String(files), '--count', String(records));
  const env = { DATABASE_URL: database.url };
  await edp(['seed-dimensions'], { cwd, env });
  return { cwd, env };
}

/** Each state of the bar's line. */
function framesOf(shown: string): string[] {
  return shown
    .split('\u001b[1G')
    .map((frame) => frame.split('\u001b')[0]!.trim())
    .filter((frame) => /\d%/.test(frame));
}

describe.skipIf(!hasTerminal)('on a terminal', () => {
  it('Ctrl-C is answered above the bar, and the summary has the numbers of this run', async () => {
    const { cwd, env } = await prepare(1, 120_000);
    const hurry = await slowLoads(database);
    let hasTyped = false;
    const type = (shown: string) => {
      const isUnderWay = framesOf(shown).some((frame) => /[1-9]\d*%/.test(frame));
      if (hasTyped || !isUnderWay) return undefined;
      hasTyped = true;
      return CTRL_C;
    };
    const args = ['ingest', 'events', '--read-batch-size', '4000', '--process-count', '1'];
    const stopped = await onTerminal(args, { cwd, env, columns: 80, type });
    await hurry();
    const screen = screenOf(stopped.shown, 1000);
    expect(stopped.status, screen.join('\n')).toBe(130);
    expect(screen).toContainEqual(expect.stringMatching(/^stopping in order; press Ctrl-C again/));
    expect(screen).toContainEqual(
      expect.stringMatching(/^data\/events-1-1\.csv: interrupted \(load 3, [\d,]+ loaded so far\)/),
    );
    expect(screen.join('\n')).not.toMatch(/failed|%/);

    const [[read, bytes, size]] = (await database.query(
      `SELECT rows_read, (SELECT sum(end_byte - start_byte) FROM edp.receipts r WHERE r.load_id = l.load_id),
         size_bytes FROM edp.loads l WHERE load_id = 3`,
    )) as [[number, number, number]];
    expect(read).toBeGreaterThan(0);
    const summary = screen.find((line) => / rows loaded into /.test(line)) ?? '';
    const rows = read.toLocaleString('en-US');
    expect(summary).toMatch(
      new RegExp(`^${rows} rows loaded into .* in [\\d.]+ s; [\\d,]+ rows/s`),
    );
    expect(Number(bytes)).toBeLessThan(size);

    const again = await edp(['ingest', 'events', '--json'], { cwd, env });
    expect(again.json).toMatchObject({
      rows: { read: 120_000, loaded: 120_000 },
      thisRun: { rows: { read: 120_000 - read, loaded: 120_000 - read } },
    });
    expect(again.json.thisRun.bytes).toBeLessThan(size - Number(bytes) + 1);
    expect(again.stderr).toContain(
      `; ${rows} rows were loaded by an earlier run, 120,000 rows in all`,
    );
  });

  it.each([40, 80, 120])(
    'of %i columns, bar and tables fit; each file has its line',
    async (columns) => {
      const { cwd, env } = await prepare(3, 60_000);
      const hurry = await slowLoads(database);
      const args = ['ingest', 'events', '--read-batch-size', '4000', '--process-count', '1'];
      const loaded = await onTerminal(args, { cwd, env, columns });
      await hurry();
      expect(loaded.status).toBe(0);
      const frames = framesOf(loaded.shown);
      expect(frames.length).toBeGreaterThan(5);
      for (const frame of frames) {
        expect(frame.length).toBeLessThan(columns);
        expect(frame).toMatch(/ [\d,]+ rows\/s.*ETA (–|[\d.]+ s|\d+ min \d+ s)/);
      }
      const text = screenOf(loaded.shown, 1000).join('\n');
      for (const file of [1, 2, 3]) {
        expect(text).toMatch(
          new RegExp(`^data/events-1-${file}\\.csv → events: 20,000 loaded \\(load \\d+\\)$`, 'm'),
        );
      }
      const status = await onTerminal(['status'], { cwd, env, columns });
      const lines = screenOf(status.shown, 1000);
      expect(lines.join('\n')).toMatch(/20,000/);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    },
  );

  it('has colours, unless NO_COLOR says otherwise', async () => {
    const cwd = await makeDirectory();
    const env = { DATABASE_URL: database.url, NO_COLOR: '' };
    const coloured = await onTerminal(['rejects', 'x'], { cwd, env, columns: 80 });
    expect(coloured.shown).toMatch(COLOUR);
    const without: Record<string, string>[] = [
      { NO_COLOR: '1' },
      { FORCE_COLOR: '0' },
      { TERM: 'dumb' },
    ];
    for (const more of without) {
      const plain = await onTerminal(['rejects', 'x'], {
        cwd,
        env: { ...env, ...more },
        columns: 80,
      });
      expect(plain.shown).not.toMatch(COLOUR);
    }
    const json = await onTerminal(['status', '--json'], { cwd, env, columns: 80 });
    expect(json.shown).not.toMatch(COLOUR);
  });
});

describe('in a pipe', () => {
  it('there are no colours but with FORCE_COLOR, and never beside JSON', async () => {
    const cwd = await makeDirectory();
    const env = { FORCE_COLOR: '1' };
    expect((await edp(['rejects', 'x'], { cwd })).stderr).not.toMatch(COLOUR);
    expect((await edp(['rejects', 'x'], { cwd, env })).stderr).toMatch(COLOUR);
    const json = await edp(['rejects', 'x', '--json'], { cwd, env });
    expect(json.stderr + json.stdout).not.toMatch(COLOUR);
  });
});
