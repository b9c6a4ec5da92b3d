/** `npm run test:faults`: options → scenarios → faults → summary. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runAgreement } from '../agreement/agreement.js';
import { runPromise } from '../promise/promise.js';
import { runCampaign } from './campaign.js';
import { runCaptureCampaign } from './capture/campaign.js';
import { runFuzz } from './fuzz.js';
import { runReaders } from './readers.js';
import { FaultServer } from './server.js';
import {
  formatAgreement,
  formatCapture,
  formatFuzz,
  formatPromise,
  formatReaders,
  formatSummary,
} from './summary.js';

const HELP = `npm run test:faults -- [options]

  --count N        faults to make (default 1000)
  --seed N         seed of the random faults (default: the clock)
  --minutes N      stop after this time (default: never)
  --only TEXT      only scenarios and faults whose description contains it
  --at-once N      trials at the same time (default 2)
  --fuzz N         no faults, but this many random files
  --agreement N    no faults, but this many random tables and files, with the server as the oracle;
                   --only partitions: tables with partitions that edp makes
  --warehouse N    no faults but kills: this many random warehouses, each with a sequence of loads and runs
  --readers N      no faults, but this many commands, many of them killed, beside a reader of the log of changes
  --capture N      no faults of loads, but this many trials of capture: writers, changes of tables, kills of everything
                   (200 are the usual campaign; --seed is that of the first one, and others follow it)
  --plant NAME     with --capture: a fault in edp that the trials must find; all: one after the other
  --keep-size      with --warehouse: failing sequences are not made smaller
  --out FILE       writes the results there, as JSON
`;

/** Of capture. */
const CAPTURE_TRIALS = 200;

const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '1000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      minutes: { type: 'string' },
      only: { type: 'string' },
      'at-once': { type: 'string', default: '2' },
      fuzz: { type: 'string' },
      readers: { type: 'string' },
      capture: { type: 'string' },
      plant: { type: 'string' },
      agreement: { type: 'string' },
      warehouse: { type: 'string' },
      'keep-size': { type: 'boolean', default: false },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    say(HELP);
    return 0;
  }
  const directory = await mkdtemp(path.join(os.tmpdir(), 'edp-faults-'));
  const seed = Number(values.seed);
  say(`seed ${seed}`);
  try {
    const deadline = Date.now() + Number(values.minutes ?? 1e6) * 60_000;
    if (values.fuzz !== undefined) {
      const inputs = Number(values.fuzz);
      const fuzzed = await runFuzz({ directory, inputs, seed, deadline, say });
      say(formatFuzz(fuzzed));
      return fuzzed.problems.length === 0 ? 0 : 1;
    }
    if (values.capture !== undefined || values.plant !== undefined) {
      const results = await runCaptureCampaign({
        directory,
        seed,
        count: Number(values.capture ?? CAPTURE_TRIALS),
        atOnce: Number(values['at-once']),
        deadline,
        plant: values.plant,
        say,
      });
      say(formatCapture(results));
      return results.bad.length === 0 ? 0 : 1;
    }
    if (values.agreement !== undefined) {
      const results = await runAgreement({
        directory,
        seed,
        count: Number(values.agreement),
        atOnce: Number(values['at-once']),
        deadline,
        alwaysDivides: values.only === 'partitions',
        say,
      });
      say(formatAgreement(results));
      return results.failures.length === 0 ? 0 : 1;
    }
    if (values.warehouse !== undefined) {
      const server = await FaultServer.create();
      try {
        const results = await runPromise({
          server: server.config,
          seed,
          count: Number(values.warehouse),
          atOnce: Number(values['at-once']),
          deadline,
          isShrunk: values['keep-size'] !== true,
          say,
        });
        say(formatPromise(results));
        return results.failures.length === 0 ? 0 : 1;
      } finally {
        await server.remove();
      }
    }
    if (values.readers !== undefined) {
      const server = await FaultServer.create();
      try {
        const results = await runReaders({
          directory,
          database: server.config,
          url: server.url('postgres'),
          seed,
          commands: Number(values.readers),
          atOnce: Number(values['at-once']),
          deadline,
        });
        say(formatReaders(results));
        return results.problems.length === 0 ? 0 : 1;
      } finally {
        await server.remove();
      }
    }
    const results = await runCampaign({
      directory,
      seed,
      count: Number(values.count),
      atOnce: Number(values['at-once']),
      deadline,
      only: values.only,
      say,
    });
    say(formatSummary(results));
    if (values.out !== undefined) await writeFile(values.out, JSON.stringify(results));
    return results.bad.length === 0 ? 0 : 1;
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

// So that its servers end, too.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
process.exitCode = await main();
