/**
 * dbt with its adapter of PostgreSQL: the tables of the warehouse as incremental models. It keeps its parsed
 * project from run to run, and its sessions have the memory and the settings that those of edp have.
 */
import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Program } from '../measure/launch.js';
import { sourceFile } from '../repository.js';
import { askVersion, type Contender, type LoadTask } from './contender.js';

const VERSIONS =
  'from importlib.metadata import version; import dbt.adapters.postgres; print("dbt-core", version("dbt-core") + ", dbt-postgres", version("dbt-postgres"))';

/** What the command `dbt` is. */
const DBT = 'from dbt.cli.main import cli; cli()';

/** As many as edp runs tasks at the same time. */
const THREADS = 4;

const SESSION = '-c work_mem=64MB -c maintenance_work_mem=256MB -c jit=off';

const DAY_MS = 86_400_000;

type Strategy = 'merge' | 'microbatch';

function dbtOf(strategy: Strategy): Contender {
  return {
    name: `dbt-${strategy}`,
    title: `dbt-postgres, ${strategy}`,
    reads: 'tables',

    find: ({ python }) =>
      askVersion(
        python,
        ['-c', VERSIONS],
        "python3 -m venv .edp/python && .edp/python/bin/pip install 'dbt-core<1.12' 'dbt-postgres<1.11'; then --python .edp/python/bin/python",
      ),

    async load(task) {
      const { step, from, until } = task.target.making!;
      // Of what it has made, dbt does not know what is stale: it makes the last day again.
      const first = step === 'nothing' ? dayBefore(until) : from;
      const range =
        strategy === 'microbatch' ? ['--event-time-start', first, '--event-time-end', until] : [];
      await task.launch(dbt(task, strategy, ['run', '--quiet', ...range]));
    },
  };
}

function dayBefore(day: string): string {
  return new Date(Date.parse(day) - DAY_MS).toISOString().slice(0, 10);
}

type DbtTask = Pick<LoadTask, 'target' | 'database' | 'settings' | 'launch'>;

function directoryOf({ target }: DbtTask, strategy: Strategy): string {
  return path.join(target.project, `dbt-${strategy}`);
}

function dbt(task: DbtTask, strategy: Strategy, args: readonly string[]): Program {
  const { host, user, database } = task.database.config;
  return {
    command: task.settings.python,
    args: ['-c', DBT, ...args],
    cwd: directoryOf(task, strategy),
    environment: {
      BENCH_HOST: host!,
      BENCH_USER: user!,
      BENCH_DATABASE: database!,
      BENCH_THREADS: String(THREADS),
      PGOPTIONS: SESSION,
      DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
      DO_NOT_TRACK: '1',
    },
  };
}

/** Makes the project, and parses it, as it is before all runs but the very first. */
export async function parseDbtProject(task: DbtTask): Promise<void> {
  for (const strategy of ['merge', 'microbatch'] as const) {
    const directory = directoryOf(task, strategy);
    await mkdir(directory, { recursive: true });
    await cp(sourceFile('warehouse/dbt'), directory, { recursive: true });
    await cp(sourceFile(`warehouse/dbt-facts/${strategy}`), path.join(directory, 'models'), {
      recursive: true,
    });
    await task.launch(dbt(task, strategy, ['parse', '--quiet']));
  }
}

export const dbtMerge: Contender = dbtOf('merge');
export const dbtMicrobatch: Contender = dbtOf('microbatch');
