/** docs/history.md teaches by commands: each runs, in their order, in an empty directory, and says what the page shows. */
import { expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { cellsOf, readPageCommands } from '../support/page-commands.js';
import { makeProject } from '../support/scratch.js';

const database = useTestDatabase('empty');

it('each command of the page does what it says', async () => {
  const cwd = await makeProject(null);
  const commands = await readPageCommands('history.md');
  expect(commands.filter(({ shown }) => shown.length > 0).length).toBeGreaterThan(2);
  for (const { words, shown } of commands) {
    const [program, ...args] = words;
    expect(program).toBe('edp');
    const { status, stdout, stderr } = await edp(args, {
      cwd,
      env: { DATABASE_URL: database.url },
    });
    expect(status, `edp ${args.join(' ')}\n${stderr}`).toBe(0);
    if (shown.length === 0) continue;
    const printed = stdout.split('\n').map((line) => cellsOf(line).join(' '));
    for (const line of shown) expect(printed).toContain(cellsOf(line).join(' '));
  }
  // The load that is undone is that of the late members.
  expect(await database.query("SELECT path FROM edp.loads WHERE state = 'undone'")).toEqual([
    ['data/late/members-2025-05-27.csv'],
  ]);
});
