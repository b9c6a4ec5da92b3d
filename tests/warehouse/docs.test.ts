/** docs/warehouse.md teaches by commands: each of them runs, in their order, in an empty directory. */
import { expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { readPageCommands } from '../support/page-commands.js';
import { makeProject } from '../support/scratch.js';

const database = useTestDatabase('empty');

it('each command of the tutorial does what it says', async () => {
  const cwd = await makeProject(null);
  const run = (args: readonly string[]) => edp(args, { cwd, env: { DATABASE_URL: database.url } });
  const outputs: string[] = [];
  for (const { words } of await readPageCommands('warehouse.md')) {
    const [program, ...args] = words;
    expect(program).toBe('edp');
    const { status, stdout, stderr } = await run(args);
    expect(status, `edp ${args.join(' ')}\n${stderr}`).toBe(0);
    outputs.push(stdout);
  }
  expect(outputs.length).toBeGreaterThan(10);
  expect(outputs.filter((text) => text.includes('nothing changed'))).toHaveLength(2);
  // The load that is undone is that of the late answers.
  expect(await database.query("SELECT path FROM edp.loads WHERE state = 'undone'")).toEqual([
    ['data/late/rsvps-2025-05-27.csv'],
  ]);
  expect(
    await database.query("SELECT count(*) FROM gold.rsvp_fact WHERE date = '2025-05-27'"),
  ).toEqual([[0]]);
  const made = await database.query(
    'SELECT count(*) FROM gold.rsvp_fact f JOIN silver.rsvps s USING (event_id, member_id)',
  );
  expect(made).toEqual(await database.query('SELECT count(*) FROM silver.rsvps'));
});
