/** `edp init`: each project passes the commands of its own workflow, and the targets of its Makefile. */
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { PROJECTS } from '../../src/commands/init.help.js';
import { PROJECT_KINDS } from '../../src/commands/new-project/kinds.js';
import { makePlace, shell } from '../doctor/examined.js';
import { edp } from '../support/cli.js';

const hasMake = spawnSync('make', ['--version']).status === 0;

interface Workflow {
  readonly jobs: Readonly<
    Record<string, { readonly steps: readonly { readonly name?: string; readonly run?: string }[] }>
  >;
}

async function makeNew(kind: string): Promise<string> {
  const cwd = await makePlace();
  const { status, stderr } = await edp(['init', kind], { cwd });
  expect(status, stderr).toBe(0);
  onTestFinished(async () => {
    await edp(['db', 'stop'], { cwd });
  });
  return cwd;
}

/** What its steps run; without that which installs edp, as the test brings its own. */
async function commandsOf(cwd: string): Promise<string[]> {
  const text = await readFile(path.join(cwd, '.github', 'workflows', 'edp.yml'), 'utf8');
  const { jobs } = parse(text) as Workflow;
  return Object.values(jobs).flatMap(({ steps }) =>
    steps.flatMap(({ name, run }) => (run === undefined || name === 'Install edp' ? [] : [run])),
  );
}

describe.each(PROJECTS)('edp init %s', (kind) => {
  it('passes the commands of its own workflow', async () => {
    const cwd = await makeNew(kind);
    const commands = await commandsOf(cwd);
    const words = commands.join('\n');
    for (const name of ['doctor', 'ingest', 'run', 'test', 'check', 'verify', 'generate-report']) {
      expect(words).toContain(`edp ${name}`);
    }
    for (const run of commands) {
      const { status, stderr, stdout } = await shell(`set -e\n${run}`, { cwd, env: {} });
      expect(status, `${run}\n${stdout}${stderr}`).toBe(0);
    }
    const { json } = await edp(['doctor', '--json'], { cwd });
    expect(json.findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
  });

  it.skipIf(!hasMake)('passes make, twice, and make clean removes the data', async () => {
    const cwd = await makeNew(kind);
    for (const target of ['help', 'all', 'all', 'clean']) {
      const { status, stdout, stderr } = await shell(`make ${target}`, { cwd, env: {} });
      expect(status, `${target}\n${stdout}${stderr}`).toBe(0);
      if (target === 'help') {
        expect(stdout.trim().split('\n')).toHaveLength(PROJECT_KINDS[kind].steps.length + 2);
      }
    }
  });

  it('leaves alone what is there, and says so', async () => {
    const cwd = await makePlace({ 'README.md': 'mine\n', '.gitignore': '*.log\n' });
    const { json, stderr } = await edp(['init', kind, '--json'], { cwd });
    expect(json.left).toEqual(['README.md', '.gitignore']);
    expect(stderr).toMatch(/README.md is there already[\s\S]*\.gitignore .* a line \.edp\//);
    expect(await readFile(path.join(cwd, 'README.md'), 'utf8')).toBe('mine\n');
    expect(json.files).toContain('.github/workflows/edp.yml');
    const again = await edp(['init', kind], { cwd });
    expect(again.status).toBe(2);
    expect(again.stderr).toMatch(/there is a file .*edp.yaml already|there is a file/);
  });

  it('writes nothing where one of its own files is there', async () => {
    const cwd = await makePlace({ 'edp.yaml': 'limit: 3\n' });
    expect((await edp(['init', kind], { cwd })).status).toBe(2);
    const { stdout } = await shell('ls -A', { cwd, env: {} });
    expect(stdout).toBe('edp.yaml\n');
  });

  it('names no host of a registry, and a README of few lines', async () => {
    const cwd = await makeNew(kind);
    const { stdout } = await shell('cat README.md Makefile .github/workflows/edp.yml edp.yaml', {
      cwd,
      env: {},
    });
    expect(stdout).not.toMatch(/registry\.|https?:/);
    const readme = await readFile(path.join(cwd, 'README.md'), 'utf8');
    expect(readme.split('\n').filter(Boolean).length).toBeLessThanOrEqual(5);
    // npm installs into a folder above, where only that has a package.json.
    expect(stdout.match(/npm (init -y && npm )?install [\w-]+/g)).toEqual(
      Array(2).fill('npm init -y && npm install PATH-OR-GIT-URL-OF-EDP'),
    );
    const yaml = await readFile(path.join(cwd, 'edp.yaml'), 'utf8');
    expect(yaml).toMatch(/^# /m);
  });
});

it('edp init writes into a folder that is named', async () => {
  const cwd = await makePlace();
  const { json } = await edp(['init', 'csv', 'my shop', '--json'], { cwd });
  expect(json).toMatchObject({ directory: 'my shop', left: [] });
  expect(await readFile(path.join(cwd, 'my shop', 'Makefile'), 'utf8')).toMatch(/^all: /m);
  await writeFile(path.join(cwd, 'x'), '');
  expect((await edp(['init', 'nosuch'], { cwd })).stderr).toMatch(/events\|csv\|warehouse/);
});
