/**
 * `npm run test:nodes`: a quick part of the tests, and the built program from end to end, on each version of Node
 * that edp supports. README.md says more.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const MAJORS = ['20', '22', '24', '26'];

/** What a version of Node can break: values, texts, files, threads, and the command line as a whole. */
const QUICK = [
  'tests/nodes',
  'tests/golden',
  'tests/values',
  'tests/model',
  'tests/mapping',
  'tests/options',
  'tests/source',
  'tests/formats/csv/scan',
  'tests/formats/text/read-text.test.ts',
];

const ROOT = path.join(import.meta.dirname, '../..');
/** `npm ci` empties node_modules, and with it what was downloaded. */
const CACHE = path.join(ROOT, 'node_modules/.cache/edp-nodes');

/** The npm packages that hold nothing but the program, by platform. */
const PACKAGE = `node-${os.platform() === 'win32' ? 'win' : os.platform()}-${os.arch()}`;

const say = (text) => process.stdout.write(`${text}\n`);

const chosen = process.argv.slice(2);
const unknown = chosen.filter((major) => !MAJORS.includes(major));
if (unknown.length > 0) {
  process.stderr.write(`test:nodes: ${unknown.join(', ')}: there are ${MAJORS.join(', ')}\n`);
  process.exit(2);
}

const outcomes = [];
let passed = 0;
for (const major of chosen.length > 0 ? chosen : MAJORS) {
  const found = findNode(major);
  if (found.reason !== undefined) {
    outcomes.push(`Node ${major}: skipped, ${found.reason}`);
    say(outcomes.at(-1));
    continue;
  }
  say(`\nNode ${found.version}`);
  const startedAt = performance.now();
  const isPassed = runTests(found.program);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  outcomes.push(`Node ${found.version}: ${isPassed ? 'passed' : 'FAILED'}, in ${seconds} s`);
  if (isPassed) passed++;
  else process.exitCode = 1;
}
// Where nothing was tested, nothing is known.
if (passed === 0) process.exitCode = 1;
say(`\n${outcomes.join('\n')}`);

/** Downloads it where it is not there yet. @returns the program and its version, or why there is none */
function findNode(major) {
  const directory = path.join(CACHE, major);
  const program = path.join(directory, 'node_modules', PACKAGE, 'bin', 'node');
  if (!existsSync(program)) {
    say(`downloading ${PACKAGE}@${major} …`);
    const reason = install(`${PACKAGE}@${major}`, directory);
    if (reason !== undefined) return { reason };
  }
  try {
    const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).trim().slice(1);
    return { program, version };
  } catch (error) {
    return { reason: `it does not run here: ${error.message}` };
  }
}

/** @returns why it could not be installed; undefined where it was */
function install(name, directory) {
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, 'package.json'), '{ "private": true }\n');
  // Under `npm run` the very npm that runs this; else the one on the path.
  const [command, ...before] = process.env.npm_execpath
    ? [process.execPath, process.env.npm_execpath]
    : ['npm'];
  const args = ['install', name, '--no-save', '--no-package-lock', '--ignore-scripts'];
  const { status, stderr, error } = spawnSync(
    command,
    [...before, ...args, '--prefix', directory, '--no-audit', '--no-fund', '--fetch-retries=1'],
    { cwd: directory, encoding: 'utf8' },
  );
  if (status === 0) return undefined;
  rmSync(directory, { recursive: true, force: true });
  const reason = (error?.message ?? stderr)
    .split('\n')
    .map((line) => line.replace(/^npm error (?:network |404 )?/, ''))
    .find((line) => line !== '' && !/^(?:npm warn|code|syscall|errno)\b/.test(line));
  return `npm cannot install ${name}: ${reason}`;
}

function runTests(program) {
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
  const reporters = ['minimal', './tests/support/progress.ts'].map((name) => `--reporter=${name}`);
  const { status } = spawnSync(program, [vitest, 'run', ...reporters, ...QUICK], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${path.dirname(program)}${path.delimiter}${process.env.PATH}` },
  });
  return status === 0;
}
