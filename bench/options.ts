/** What `npm run bench` was asked for. */
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { REPOSITORY } from './repository.js';

export const HELP = `npm run bench -- [options]

Makes data, loads it with edp and with what else there is, round after round, side by side, and writes
bench/RESULTS.md and bench/results.json.

  --only A,text         only these workloads, by letter or name (default: all; see --list); --workload is the same
  --contender edp,psql  only these contenders, where a workload has them (default: all there are)
  --rounds N            rounds in turn (default 5)
  --scale S             size of the data: 1 is 4 million events, 0.1 a tenth of it (default 1)
  --quick               two minutes: --scale 0.025 --rounds 2. Starting up counts for much then; ratios mislead
  --process-count N     clients and workers in parallel (default: the CPUs)
  --dir PATH            where data and server live while it runs (default .edp of the repository)
  --out DIR             where the results go (default bench/ for a complete run, see below)
  --python PATH         python for pandas, DuckDB and dbt (default python3)
  --against DIR         edp of another checkout, built, beside that of this one: on the same data, in turn in each round.
                        Other contenders are left out, unless --contender names them
  --resume              go on with a run that broke off: what it has measured is taken from the file it left
  --list                what there is: workloads, contenders, and which of these are absent here
  --help

Only a complete run, of all workloads and contenders at --scale 1 with 5 rounds or more, writes RESULTS.md.
Any other writes RESULTS-quick.md and results-quick.json, and with --against RESULTS-against.md and
results-against.json; git ignores them.

  npm run bench                                     everything; takes the better part of an hour
  npm run bench -- --quick                          a look
  npm run bench -- --only bare-table --scale 0.25   one workload, a million events
  npm run bench -- --only B --contender edp,client-copy
  npm run bench -- --only A,B,D,G --against ../before
`;

export interface BenchOptions {
  /** Letters or names; undefined for all. */
  readonly workloads: readonly string[] | undefined;
  readonly contenders: readonly string[] | undefined;
  readonly rounds: number;
  readonly scale: number;
  readonly isQuick: boolean;
  readonly processCount: number;
  /** What the user said, to be handed on to edp; its own default counts otherwise. */
  readonly givenProcessCount: number | undefined;
  readonly directory: string;
  readonly out: string | undefined;
  readonly python: string;
  /** Another checkout. */
  readonly against: string | undefined;
  readonly isResume: boolean;
  readonly isList: boolean;
  readonly isHelp: boolean;
}

/** An option that makes no sense; the message says which. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError */
export function parseOptions(argv: readonly string[]): BenchOptions {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        only: { type: 'string' },
        workload: { type: 'string' },
        contender: { type: 'string' },
        rounds: { type: 'string' },
        scale: { type: 'string' },
        quick: { type: 'boolean' },
        'process-count': { type: 'string' },
        dir: { type: 'string' },
        out: { type: 'string' },
        python: { type: 'string' },
        against: { type: 'string' },
        resume: { type: 'boolean' },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const text = (name: string) => values[name] as string | undefined;
  const isQuick = values.quick === true;
  if (values.resume === true && values.against !== undefined) {
    throw new UsageError('--resume goes on with a run of one build; --against begins one of two');
  }
  const givenProcessCount = readNumber('process-count', text('process-count'), 1, true);
  return {
    workloads: readList(text('only') ?? text('workload')),
    contenders: readList(text('contender')),
    rounds: readNumber('rounds', text('rounds'), 1, true) ?? (isQuick ? 2 : 5),
    scale: readNumber('scale', text('scale'), 0.001, false) ?? (isQuick ? 0.025 : 1),
    isQuick,
    processCount: givenProcessCount ?? os.availableParallelism(),
    givenProcessCount,
    directory: path.resolve(text('dir') ?? path.join(REPOSITORY, '.edp')),
    out: text('out') === undefined ? undefined : path.resolve(text('out') as string),
    python: text('python') ?? 'python3',
    against: text('against') === undefined ? undefined : path.resolve(text('against') as string),
    isResume: values.resume === true,
    isList: values.list === true,
    isHelp: values.help === true,
  };
}

function readList(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function readNumber(
  name: string,
  text: string | undefined,
  minimum: number,
  isWhole: boolean,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value < minimum || (isWhole && !Number.isInteger(value))) {
    throw new UsageError(
      `--${name} ${text}: expected a ${isWhole ? 'whole ' : ''}number of ${minimum} or more`,
    );
  }
  return value;
}
