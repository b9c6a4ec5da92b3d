/** docs/environments.md teaches by commands and changes: each is made, in their order, in an empty directory. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { edp } from '../../support/cli.js';
import { useTestDatabase } from '../../support/database.js';
import { makeProject } from '../../support/scratch.js';

const database = useTestDatabase('empty');

interface Block {
  readonly kind: string;
  readonly lines: readonly string[];
}

async function readBlocks(): Promise<Block[]> {
  const page = await readFile(new URL('../../../docs/environments.md', import.meta.url), 'utf8');
  return [...page.matchAll(/^```(sh|diff)\n(.*?)^```$/gms)].map(([, kind, text]) => ({
    kind: kind!,
    lines: text!.trimEnd().split('\n'),
  }));
}

/** Each line with a minus becomes the one with a plus behind it. */
async function change(cwd: string, [head, ...lines]: readonly string[]): Promise<void> {
  const file = path.join(cwd, head!.replace('--- ', ''));
  let text = await readFile(file, 'utf8');
  for (let i = 0; i < lines.length; i += 2) {
    const [from, to] = [lines[i]!.replace(/^-/, ''), lines[i + 1]!.replace(/^\+/, '')];
    expect(text, `${file} has no line "${from}"`).toContain(`${from}\n`);
    text = text.replace(`${from}\n`, () => `${to}\n`);
  }
  await writeFile(file, text);
}

it('each command of the page does what it says', { timeout: 120_000 }, async () => {
  const cwd = await makeProject(null);
  const outputs = new Map<string, string>();
  for (const { kind, lines } of await readBlocks()) {
    if (kind === 'diff') {
      await change(cwd, lines);
      continue;
    }
    for (const line of lines) {
      const [command = '', status = '0'] = line.split(/\s+# ends with /);
      const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
        ([, quoted, word]) => quoted ?? word!,
      );
      expect(words[0]).toBe('edp');
      const result = await edp(words.slice(1), { cwd, env: { DATABASE_URL: database.url } });
      expect(String(result.status), `${line}\n${result.stdout}${result.stderr}`).toBe(status);
      outputs.set(`${outputs.size + 1} ${command}`, result.stdout);
    }
  }
  const of = (command: string) =>
    [...outputs].filter(([name]) => name.replace(/^\d+ /, '') === command).map(([, text]) => text);
  expect(of('edp test').map((text) => / (\d+) failed/.exec(text)?.[1])).toEqual(['0', '1', '0']);
  expect(of('edp run').at(-1)).toContain('nothing changed');
  expect(of('edp run --env dev')[0]).toContain('8 tasks differ from production; 7 views');
  expect(of('edp diff member_dim --env dev --limit 3')[0]).toContain('free → gratis');
  expect(await database.query('SELECT DISTINCT plan FROM gold.member_dim ORDER BY 1')).toEqual([
    ['gratis'],
    ['pro'],
    [null],
  ]);
  expect(await database.query("SELECT nspname FROM pg_namespace WHERE nspname ~ '__'")).toEqual([]);
});
