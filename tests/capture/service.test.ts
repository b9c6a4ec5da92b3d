/** `edp capture run` under a service manager: the unit of docs/capture.md, and what SIGTERM does. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { EXIT } from '../../src/base/errors.js';
import { followEdp, startEdp } from '../support/cli.js';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { settled } from './source.js';

const UNIT = /```ini\n(\[Unit\][\s\S]*?)```/.exec(
  readFileSync(new URL('../../docs/capture.md', import.meta.url), 'utf8'),
)![1]!;

const folder = useWarehouseFolder({
  'edp.yaml': `
tables: { notes: { key: id, columns: { id: int } } }
capture:
  source: { name: shop, database-url: "\${DATABASE_URL}" }
  tables: { notes: {} }
`,
});

beforeAll(async () => {
  await folder.database.query('CREATE TABLE notes (id int PRIMARY KEY)');
  const { status, stdout } = await folder.plain('capture', 'install');
  expect([status, stdout]).toEqual([
    0,
    expect.stringMatching(/\nnext: edp capture run --to FOLDER, or --to table\n$/),
  ]);
});

it('commits what it has begun after SIGTERM, and ends with the status that the unit takes for success', async () => {
  await folder.database.query('INSERT INTO notes VALUES (1)');
  await settled(folder.database.query);
  const args = ['capture', 'run', '--to', 'events', '--json'] as const;
  const env = { DATABASE_URL: folder.database.url };
  const child = startEdp(args, { cwd: folder.directory, env });
  const ended = followEdp(child, args);
  const events = path.join(folder.directory, 'events/notes');
  // Begun, and not yet complete.
  await expect
    .poll(() => readdir(events).catch(() => []), { timeout: 20_000 })
    .toEqual([expect.stringMatching(/\.part$/)]);
  child.kill('SIGTERM');
  const { status, json, stderr } = await ended;
  expect([status, json], stderr).toMatchObject([
    EXIT.interrupted,
    { events: { published: 1 }, interrupted: true },
  ]);
  expect(stderr).toContain('stopping in order; send SIGTERM again to stop at once');
  expect(await readdir(events)).toEqual([expect.stringMatching(/\.jsonl$/)]);
  expect(UNIT.split('\n')).toContain(`SuccessExitStatus=${EXIT.interrupted}`);
  expect(UNIT.split('\n')).toContain(`RestartPreventExitStatus=${EXIT.usage}`);
});

it.skipIf(spawnSync('systemd-analyze', ['--version']).error !== undefined)(
  'has a unit in docs/capture.md that systemd accepts',
  async () => {
    const unit = path.join(folder.directory, 'edp-capture.service');
    // The program, its folder and its user are of another machine.
    await writeFile(
      unit,
      UNIT.replace('/usr/bin/edp', process.execPath).replace('/srv/warehouse', folder.directory),
    );
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], {
      encoding: 'utf8',
    });
    const own = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('edp-capture'));
    expect([status, own]).toEqual([0, []]);
  },
);

it('leaves rows that were there before to a snapshot, and says so', async () => {
  await folder.plain('capture', 'uninstall', '--yes');
  const dry = await folder.plain('capture', 'install', '--dry-run');
  expect(dry.stdout).toMatch(/^-- edp capture install would run this; nothing was changed\n/);
  const { stdout } = await folder.plain('capture', 'install');
  expect(stdout).toMatch(
    /of notes \(public\.notes\): edp capture snapshot publishes them\nnext: edp capture snapshot, then edp capture run --to FOLDER, or --to table\n$/,
  );
  const before = await folder.edp('capture', 'status');
  expect(before.json).toMatchObject({
    ok: true,
    unread: [{ table: 'notes', relations: ['public.notes'] }],
  });
  expect((await folder.plain('capture', 'status')).stdout).toContain(
    'edp capture snapshot publishes them',
  );
  await folder.edp('capture', 'snapshot', '--to', 'events');
  expect((await folder.edp('capture', 'status')).json).toMatchObject({ unread: [] });
});
