/** A `-` among the arguments: standard input, or the value of the option before it. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';

const COMMA = 'id,name\n1,ann\n2,bob\n';
const DASH = 'id-name\n1-ann\n2-bob\n';

async function inspect(args: readonly string[], input = COMMA) {
  const cwd = await makeDirectory();
  await writeFile(path.join(cwd, 'people.csv'), COMMA);
  const { status, stdout, stderr } = await edp(args, { cwd, input });
  return { status, stderr, json: JSON.parse(stdout || '{}') };
}

describe('a dash is standard input', () => {
  it.each([
    [['inspect', '-', '--json']],
    [['inspect', '--json', '-']],
    [['--process-count', '1', 'inspect', '--json', '-']],
    [['inspect', '--no-header', '-', '--json']],
    [['inspect', '--delimiter', ',', '-', '--json']],
    [['inspect', '--delimiter=-', '-', '--json'], DASH],
    [['inspect', '--delimiter', '-', '-', '--json'], DASH],
    [['inspect', '-', '--json', '--delimiter', '-'], DASH],
  ])('%j', async (args, input?: string) => {
    const { status, json, stderr } = await inspect(args, input);
    expect(status, stderr).toBe(0);
    expect(json).toMatchObject({
      path: '-',
      sample: { records: args.includes('--no-header') ? 3 : 2 },
    });
  });
});

describe('a dash behind an option is its value', () => {
  it('that is refused where it is none', async () => {
    for (const option of ['quote', 'escape', 'process-count', 'encoding']) {
      const args = ['inspect', 'people.csv', `--${option}`, '-', '--json'];
      const { status, json } = await inspect(args);
      expect(status).toBe(2);
      expect(json.error.message).toMatch(new RegExp(`^--${option}: .*"-"`));
    }
  });

  it('that a comment may begin with', async () => {
    const { status, json, stderr } = await inspect(
      ['inspect', '-', '--comment', '-', '--json'],
      `- people\n${COMMA}`,
    );
    expect(status, stderr).toBe(0);
    expect(json.dialect.comment).toBe('-');
    expect(json.sample.records).toBe(2);
  });
});
