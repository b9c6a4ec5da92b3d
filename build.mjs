/**
 * The build: programs and threads as rolldown.config.mjs lists them, and the WebAssembly of the hot loops.
 *
 * A build without a fault prints one line before its work and one behind it. Complaints of the compilers come
 * between them. Where nothing changed since the last build, there is nothing to do: `npm ci` builds, and
 * `npm test` behind it does not build again.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { main as asc } from 'assemblyscript/asc';
import { rolldown } from 'rolldown';
import config from './rolldown.config.mjs';

/** Each is loaded by its name (src/base/assembly.ts). */
const ASSEMBLIES = {
  'byte-lane': 'src/lanes/assembly/rows.ts',
  'plain-records': 'src/formats/csv/scan/assembly/plain-records.ts',
};

/** asc optimizes until a round makes the code no smaller, and reports that last round on stderr. */
const NO_FAULT = 'Last converge was suboptimal.';

/** What the build reads. What it takes from node_modules is known by the lock file. */
const INPUTS = ['src', 'build.mjs', 'rolldown.config.mjs', 'asconfig.json', 'package-lock.json'];

/** The hash of the inputs that dist was built from. */
const STAMP = 'dist/.built-from';

process.chdir(import.meta.dirname);
const inputs = hashInputs();
if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === inputs) {
  process.stdout.write('dist is up to date\n');
} else {
  await build();
}
// `npm ci` empties node_modules, where the program is linked, and not dist.
if (process.exitCode === undefined) {
  execFileSync(process.execPath, ['dist/dev/link-bin.js'], { stdio: 'inherit' });
}

async function build() {
  const startedAt = performance.now();
  process.stdout.write('building dist …\n');
  try {
    await bundlePrograms();
    for (const [name, source] of Object.entries(ASSEMBLIES)) await compileModule(name, source);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  writeFileSync(STAMP, inputs);
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(`built dist in ${seconds.toFixed(1)} s\n`);
}

/** It empties dist first, with the stamp. */
async function bundlePrograms() {
  const bundle = await rolldown({
    ...config,
    logLevel: 'warn',
    onLog(level, log, report) {
      // What is not installed would only be missed when a command needs it.
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(`${log.message}\nrun npm ci`);
      report(level, log);
    },
  });
  await bundle.write(config.output);
  await bundle.close();
}

async function compileModule(name, source) {
  let messages = '';
  const keep = {
    write(text) {
      messages += text;
    },
  };
  const args = [source, '--config', 'asconfig.json', '--outFile', `dist/${name}.wasm`];
  const { error } = await asc(args, { stdout: keep, stderr: keep });
  const complaints = messages.split('\n').filter((line) => line !== '' && line !== NO_FAULT);
  for (const line of complaints) process.stderr.write(`${line}\n`);
  if (error !== null) throw new Error(`${source} does not compile`);
}

function hashInputs() {
  const hash = createHash('sha256');
  for (const file of INPUTS.flatMap(listFiles)) {
    const bytes = readFileSync(file);
    hash.update(`${file} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}

function listFiles(name) {
  if (!statSync(name).isDirectory()) return [name];
  return readdirSync(name)
    .sort()
    .flatMap((entry) => listFiles(path.posix.join(name, entry)));
}
