/** Completion, as bash, zsh and fish do it themselves: a line is typed, the tab key is pressed, and the line is read. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS, nameOf } from '../../src/commands/command-list.js';
import { listCandidates } from '../../src/commands/completion/list-candidates.js';
import { scriptOf } from '../../src/commands/completion/scripts.js';
import { quoteForBash, readWords, trimForBash } from '../../src/commands/completion/shell-line.js';
import { makeProgram } from '../doctor/examined.js';
import { CLI, cleanEnvironment, edp, makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { hasTerminal } from '../support/pty.js';
import { makeTemporary } from '../support/temporary.js';

const database = useTestDatabase('empty');
const has = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;

const PROJECT = `tables:
  people: { columns: { id: int }, key: id, files: people*.csv }
  "two words": { columns: { id: int } }
  "it's \\"odd\\"": { columns: { id: int } }
  sales:2026: { columns: { id: int } }
  sales:2027: { columns: { id: int } }
  -dash: { columns: { id: int } }
  größe: { columns: { id: int } }
  $(touch a): { columns: { id: int } }
  "\`touch b\`": { columns: { id: int } }
silver: { persons: { from: people, key: id, columns: { id: id } } }
views: { busiest_days: {} }
`;

let cwd: string;
let bin: string;
const shells: ChildProcess[] = [];
beforeAll(async () => {
  cwd = await makeTemporary();
  bin = path.join(cwd, 'bin');
  await mkdir(bin);
  await writeFile(path.join(bin, 'edp'), `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`, {
    mode: 0o755,
  });
  await mkdir(path.join(cwd, 'sql', 'reports'), { recursive: true });
  await writeFile(path.join(cwd, 'sql', 'reports', 'my own.sql'), '');
  // Nobody's terminal should get it.
  await writeFile(path.join(cwd, 'sql', 'reports', 'red\u001b[31m.sql'), '');
  await writeFile(path.join(cwd, 'edp.yaml'), PROJECT);
  await writeFile(path.join(cwd, 'people file.csv'), 'id\n1\n');
  await mkdir(path.join(cwd, 'folder'));
  const loaded = await edp(['ingest', 'people file.csv', '--table', 'people'], {
    cwd,
    env: { DATABASE_URL: database.url },
  });
  expect(loaded.stderr).not.toMatch(/^edp:/m);
});
afterAll(async () => {
  for (const shell of shells) shell.kill('SIGKILL');
  await rm(cwd, { recursive: true, force: true, maxRetries: 3 });
});

const environment = () => ({
  ...cleanEnvironment(),
  PATH: `${bin}:${process.env.PATH}`,
  DATABASE_URL: database.url,
  HOME: cwd,
  TERM: 'dumb',
  LC_ALL: 'C.UTF-8',
});

/** Types keys at the prompt of a shell. @returns its line, as it is then */
async function typeAt(shell: 'bash' | 'zsh', keys: string): Promise<string> {
  const out = path.join(cwd, `line-${Math.random().toString(36).slice(2)}`);
  const setup = path.join(cwd, `${path.basename(out)}.rc`);
  const shown = `'${out}'`;
  const script =
    shell === 'bash'
      ? `PS1='ready> '\n${scriptOf('bash')}\nshow() { printf %s "$READLINE_LINE" > ${shown}.part; mv ${shown}.part ${shown}; }\nbind -x '"\\C-x": show'\nbind 'set bell-style none'\nbind 'set show-all-if-ambiguous on'\n`
      : `PS1='ready> '\nautoload -Uz compinit; compinit -u -D\n${scriptOf('zsh')}\nshow() { print -rn -- "$BUFFER" > ${shown}.part; mv ${shown}.part ${shown} }\nzle -N show; bindkey '^X' show; unsetopt BEEP; setopt LIST_AMBIGUOUS\n`;
  await writeFile(setup, script);
  const started = shell === 'bash' ? `bash --noprofile --rcfile '${setup}' -i` : 'zsh -f -i';
  const child = spawn('script', ['-qec', started, '/dev/null'], {
    cwd,
    env: environment(),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  shells.push(child);
  let seen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text;
  });
  if (shell === 'zsh') child.stdin.write(` source '${setup}'\n`);
  await expect.poll(() => seen, { timeout: 15_000, interval: 50 }).toMatch(/ready> (\S*2004h)?$/);
  child.stdin.write(`${keys}\u0018`);
  await expect.poll(() => existsSync(out), { timeout: 15_000, interval: 50 }).toBe(true);
  child.kill('SIGKILL');
  return readFile(out, 'utf8');
}

/** What is typed, and what the line is when the tab key was pressed. */
const LINES: readonly (readonly [string, string])[] = [
  ['edp gener\t', 'edp generate-'],
  ['edp ingest --on-conf\t', 'edp ingest --on-conflict '],
  ['edp ingest --on-conflict up\t', 'edp ingest --on-conflict update '],
  ['edp ingest --on-conflict=up\t', 'edp ingest --on-conflict=update '],
  ['edp ingest peo\t', 'edp ingest people\\ file.csv '],
  ['edp init --from-dbt fol\t', 'edp init --from-dbt folder/'],
  ['edp ingest --table two\t', 'edp ingest --table two\\ words '],
  ['edp ingest --table sales:20\t6', 'edp ingest --table sales:2026'],
  ['edp ingest --table sales:2027\t', 'edp ingest --table sales:2027 '],
  ['edp ingest --table=-d\t', 'edp ingest --table=-dash '],
  ['edp ingest --table gr\t', 'edp ingest --table größe '],
  ['edp ingest --table \\$\t', 'edp ingest --table \\$\\(touch\\ a\\) '],
  ['edp ingest --table \\`\t', 'edp ingest --table \\`touch\\ b\\` '],
  ['edp generate-report red\t', 'edp generate-report red'],
  ['edp run per\t', 'edp run persons '],
  ['edp sample bus\t', 'edp sample busiest_days '],
  ['edp generate-report my\t', 'edp generate-report my\\ own '],
  ['edp undo \t', 'edp undo 1 '],
  ['edp status --runs \t', 'edp status --runs 1 '],
  ['edp db dest\t', 'edp db destroy '],
  ['edp help prom\t', 'edp help promote'],
];

describe.each(['bash', 'zsh'] as const)('%s', (shell) => {
  const isMissing = !hasTerminal || !has(shell);
  const skipped = isMissing ? ` (skipped: there is no ${shell}, or no terminal)` : '';
  it.skipIf(isMissing).each(LINES.map(([typed, line]) => ({ typed, line })))(
    `$typed${skipped}`,
    async ({ typed, line }) => {
      const text = await typeAt(shell, typed);
      // Shells differ in how they quote.
      expect(text.replaceAll("\\'", "'")).toBe(line);
    },
  );

  it.skipIf(isMissing)('completes within quotes', async () => {
    expect(await typeAt(shell, "edp ingest --table 'two w\t")).toMatch(
      /^edp ingest --table 'two words' ?$/,
    );
  });
});

const hasFish = has('fish');

describe('fish', () => {
  const note = hasFish ? '' : ' (skipped: there is no fish)';
  const complete = (line: string) => {
    const { stdout, stderr } = spawnSync(
      'fish',
      ['--no-config', '-c', `${scriptOf('fish')}\ncomplete -C $argv[1]`, line],
      { cwd, env: environment(), encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    return stdout.trimEnd().split('\n');
  };

  it.skipIf(!hasFish).each([
    [
      'edp gener',
      ['generate-data\tWrite event CSVs to try edp with, clean or dirty', /^generate-report\t/],
    ],
    ['edp ingest --on-conflict up', ['update\tthe record replaces the row']],
    ['edp ingest --on-conflict=up', ['--on-conflict=update\tthe record replaces the row']],
    ['edp ingest peo', ['people file.csv']],
    ['edp ingest --table two', ['two words\ttable']],
    ['edp ingest --table "two w', ['two words\ttable']],
    ['edp ingest --table sales:', ['sales:2026\ttable', 'sales:2027\ttable']],
    ['edp ingest --table=-d', ['--table=-dash\ttable']],
    ['edp run per', ['persons\tsilver']],
    ['edp undo ', [/^1\tpeople file.csv → people, loaded$/]],
    ['edp completion f', ['fish']],
    ['edp init --from-dbt fol', [/^folder\/(\tDirectory)?$/]],
  ] as const)(`%s${note}`, (line, wanted) => {
    const shown = complete(line);
    expect(shown).toHaveLength(wanted.length);
    for (const [i, one] of wanted.entries()) {
      if (typeof one === 'string') expect(shown[i]).toBe(one);
      else expect(shown[i]).toMatch(one);
    }
  });
});

describe('the hidden call', () => {
  const ask = async (words: readonly string[], place: string, env = {}) => {
    const startedAt = performance.now();
    const { status, stdout, stderr } = await edp(['__complete', 'fish', ...words], {
      cwd: place,
      env,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return { stdout, ms: performance.now() - startedAt };
  };

  it('starts no server, and makes no folder', async () => {
    const place = await makeDirectory();
    expect((await ask(['undo', ''], place)).stdout).toBe('\n'.slice(1));
    expect(existsSync(path.join(place, '.edp'))).toBe(false);
  });

  it('ends within a second where a server does not answer', async () => {
    const silent = net.createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', () => resolve()));
    const { port } = silent.address() as net.AddressInfo;
    const url = `postgresql://a@127.0.0.1:${port}/x`;
    const { stdout, ms } = await ask(['undo', ''], await makeDirectory(), { DATABASE_URL: url });
    silent.close();
    expect(stdout).toBe('');
    expect(ms).toBeLessThan(5000);
  });

  it.each([
    ['a faulty edp.yaml', 'tables: { people: 3 }\nnonsense: [', ['ingest', '--table', 'p']],
    ['a file of another form', '- 1\n', ['run', '']],
    ['no YAML at all', '\u0000\u0001{{{', ['run', '']],
    ['a variable that is not there', `database-url: "\${GONE}"`, ['undo', '']],
  ])('says nothing of %s', async (_, text, words) => {
    const place = await makeDirectory();
    await writeFile(path.join(place, 'edp.yaml'), text);
    await ask(words, place);
  });

  it('is refused by no words', async () => {
    const place = await makeDirectory();
    for (const words of [[], [''], ['--'], ['nosuch', ''], ['ingest', '--nosuch='], ['-', '']]) {
      await ask(words, place);
    }
    expect((await edp(['__complete'], { cwd: place })).status).toBe(0);
  });

  it('is no command that help names', async () => {
    expect((await edp(['--help'], { cwd: await makeDirectory() })).stdout).not.toMatch(
      '__complete',
    );
    expect(await makeProgram()).toMatch(/\//);
  });
});

describe('candidates', () => {
  const values = async (...words: string[]) =>
    (await listCandidates(words)).candidates.map(({ value }) => value);

  it('are all commands, where none is named', async () => {
    expect((await values('')).sort()).toEqual([...COMMANDS.map(nameOf), 'help'].sort());
  });

  it('are options that are not given yet', async () => {
    expect(await values('ingest', '--force', 'a.csv', '--fo')).toEqual(['--format']);
    expect(await values('run', '--task', 'a', '--ta')).toEqual(['--task']);
  });

  it('do not begin with a dash, but behind -- or =', async () => {
    expect(await values('ingest', '--', '--')).toEqual([]);
    expect((await values('check', '-')).every((value) => value.startsWith('--'))).toBe(true);
  });

  it('know which positional is meant', async () => {
    expect(await values('db', 'st')).toEqual(['start', 'stop', 'status']);
    expect(await values('db', '--port', '3', 'st')).toEqual(['start', 'stop', 'status']);
    expect(await values('model', 'infer', '')).toEqual([]);
    expect((await listCandidates(['model', 'infer', ''])).places).toBe('file');
  });

  it('every positional is completed, or is a word of its own', () => {
    const own = new Set(['test', 'promote']);
    const without = COMMANDS.filter(
      (entry) =>
        /[<[]/.test(entry.call) && entry.completes === undefined && !own.has(nameOf(entry)),
    );
    expect(without.map(nameOf)).toEqual([]);
  });
});

describe('a line of bash', () => {
  it.each([
    ['edp a b', ['edp', 'a', 'b'], ''],
    ['edp a ', ['edp', 'a', ''], ''],
    ['edp a\\ b', ['edp', 'a b'], ''],
    ["edp 'a b", ['edp', 'a b'], "'"],
    ['edp "a \\" $b', ['edp', 'a " $b'], '"'],
    ['edp \'a\'"b"c', ['edp', 'abc'], ''],
    ['cd x; edp a', ['edp', 'a'], ''],
    ['x=1 && edp ', ['edp', ''], ''],
  ])('%s', (line, words, quote) => {
    expect(readWords(line)).toEqual({ words, quote });
  });

  it.each([
    ['sales:2026', 'sales:2', '2', '', '2026'],
    ['sales:2026', 'sales:', ':', '', '2026'],
    ['--table=two words', '--table=tw', 'tw', '', 'two words'],
    ['--table=x', '--table=', '=', '', 'x'],
    ['two words', 'two w', 'two\\ w', '', 'two words'],
    ['two words', 'two w', "'two w", "'", 'two words'],
    ['other', 'two', 'two', '', undefined],
  ] as const)('%s for %s (%s)', (candidate, full, part, quote, wanted) => {
    expect(trimForBash(candidate, full, part, quote)).toBe(wanted);
  });

  it.each([
    ["it's", '', "it\\'s"],
    ['a b;$c', '', 'a\\ b\\;\\$c'],
    ['größe:x=1', '', 'größe:x=1'],
    ["it's", "'", "it'\\''s"],
    ['a"$b', '"', 'a\\"\\$b'],
  ] as const)('quotes %s within %s', (text, quote, wanted) => {
    expect(quoteForBash(text, quote)).toBe(wanted);
  });
});
