/**
 * Runs commands one after the other in one process, whose threads stay: a run takes a tenth of the
 * time of a separate process. For faults that do not end the process.
 *
 * Plain JavaScript, since it runs the built program. Its parent sends `{ args, cwd, url }` and gets
 * `{ status, output }`, as from the command line.
 */
import { parseArgs } from 'node:util';
import {
  asLoadingRun,
  discoverFiles,
  EdpError,
  EXIT,
  FailedRun,
  ingest,
  load,
  loadProject,
  Output,
  promote,
  replay,
  resolveFileSettings,
  resolveOptions,
  undo,
  verify,
  withDatabase,
  withPool,
} from '../../dist/dev/internals.js';

const THREADS = 3;

const INGEST_OPTIONS = [
  'process-count',
  'read-batch-size',
  'write-batch-size',
  'table',
  'on-conflict',
  'missing-dimensions',
  'max-rejects',
  'force',
  'limit',
  'database-url',
];

const COMMANDS = { replay, undo, verify, promote };
const POSITIONALS = { replay: 'load', undo: 'load', verify: 'load', promote: 'metric' };

/** @param {string[]} args */
function readArguments(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...Object.fromEntries(INGEST_OPTIONS.map((name) => [name, { type: 'string' }])),
      yes: { type: 'boolean' },
      json: { type: 'boolean' },
      'dry-run': { type: 'boolean' },
      replace: { type: 'boolean' },
    },
  });
  return { name: positionals[0], rest: positionals.slice(1), values };
}

async function run(pool, { args, cwd, url }) {
  let output = '';
  const stream = {
    isTTY: false,
    write(text) {
      output += text;
      return true;
    },
  };
  const nowhere = { isTTY: false, write: () => true };
  const { name, rest, values } = readArguments([...args, '--database-url', url]);
  const abort = new AbortController();
  let status;
  try {
    const project = await loadProject(cwd);
    const given = { ...values };
    const invocation = {
      given,
      project,
      output: values.json ? new Output(true, stream, nowhere) : new Output(false, stream, stream),
      signal: abort.signal,
    };
    if (name === 'ingest' && values['dry-run']) {
      status = await ingest.run({ ...invocation, given: { ...given, files: rest } });
    } else if (name === 'ingest') {
      const resolved = resolveOptions([...INGEST_OPTIONS, 'replace'], given, project.options);
      const options = { ...resolved, settingsFor: resolveFileSettings(given, project) };
      const files = await discoverFiles(rest, project.directory);
      status = await withDatabase({ databaseUrl: url, directory: cwd }, (database) =>
        asLoadingRun(invocation, 'ingest', database, (own, opened) =>
          load(invocation, own, pool, files, options, opened, { command: name }),
        ),
      );
    } else {
      given[POSITIONALS[name]] = rest[0];
      status = await COMMANDS[name].run(invocation);
    }
  } catch (thrown) {
    const error = thrown instanceof FailedRun ? thrown.cause : thrown;
    status = error instanceof EdpError ? error.exitStatus : EXIT.failed;
    if (values.json) {
      const { code = 'internal', message } = error;
      const result = thrown instanceof FailedRun ? thrown.result : {};
      output = JSON.stringify({ ...result, error: { code, message } });
    } else output += `edp: ${error.message} (${error.code ?? ''})\n`;
  }
  return { status, output };
}

await withPool(THREADS, THREADS * 1024 * 1024, async (pool) => {
  process.send({ isReady: true });
  await new Promise((resolve) => {
    process.on('message', (request) => {
      void run(pool, request).then((result) => process.send(result));
    });
    process.on('disconnect', resolve);
  });
});
process.exit(0);
