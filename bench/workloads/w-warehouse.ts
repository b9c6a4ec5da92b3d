/** W: a fact and its dimensions, made from nothing, after a new day, and when there is nothing to do. */
import { dbtMerge, dbtMicrobatch, parseDbtProject } from '../contenders/dbt.js';
import { edpRun } from '../contenders/edp-run.js';
import { handWritten } from '../contenders/hand-written.js';
import { launchApart } from '../measure/launch.js';
import type { Making } from '../tables.js';
import { manyDates, manyTasks, yearOfJobs } from '../warehouse/stories.js';
import type { Story } from '../warehouse/story.js';
import { type Steps, StoryTargets } from '../warehouse/targets.js';
import type { Workbench } from '../workbench.js';
import type { Entry, Goal, Workload } from '../workload.js';

/** At scale 1. */
const JOBS_PER_DAY = 8000;

const STEP_TITLES: Readonly<Record<Making['step'], string>> = {
  build: 'all from nothing',
  change: 'one day more',
  nothing: 'nothing to do',
};

type Contender = Entry['contender'];

/** What edp makes is to be there in so many times less time than by another. */
function fasterThan(other: Contender, step: Making['step'], times: number): Goal {
  return {
    kind: 'speed',
    title: `edp : ${other.name}, ${STEP_TITLES[step]}`,
    of: `edp-run ${step}`,
    against: `${other.name} ${step}`,
    atLeast: times,
    aim: times,
  };
}

function within(seconds: number, of: string, title: string): Goal {
  return { kind: 'seconds', title, of, atMost: seconds, aim: seconds / 2 };
}

const DBT_GOALS = [dbtMerge, dbtMicrobatch].flatMap((dbt) => [
  fasterThan(dbt, 'build', 1),
  fasterThan(dbt, 'change', 5),
  fasterThan(dbt, 'nothing', 5),
]);

export const warehouse: Workload = {
  letter: 'W',
  name: 'warehouse',
  title: 'jobs of 365 days → two dimensions and a fact by date, team, machine and outcome',
  notes: [
    'edp loaded the raw tables beforehand, with an index on the date and one on the load; that does not count. All make the same two dimensions and the same fact, with the same indexes, and sessions have the same work_mem. The rows of the fact are compared, by a hash over its values.',
    'Seconds are those of the whole command; `of that its tasks` is what edp itself prints. dbt has parsed its project before, runs 4 threads as edp does, and sends nothing. Its range of dates, and the day of the hand-written SQL, are told to them; edp finds them.',
    'dbt with microbatch makes each of the 365 days by a statement of its own, once in a run of the benchmark.',
    'The last rows are of small tables: what it costs to find out what is stale.',
  ],
  goals: [
    {
      kind: 'speed',
      title: 'edp : hand-written SQL, all from nothing',
      of: 'edp-run build',
      against: 'hand-written build',
      atLeast: 0.87,
      aim: 0.95,
    },
    {
      kind: 'allowance',
      title: 'all from nothing : 1.15 × hand-written SQL, seconds of tasks',
      of: 'edp-run build',
      against: 'hand-written build',
      share: 1.15,
      seconds: 0,
      atMost: 1,
      aim: 0.9,
    },
    {
      kind: 'allowance',
      title: 'one day more : 3 % of all + 0.3 s, seconds of tasks',
      of: 'edp-run change',
      against: 'edp-run build',
      share: 0.03,
      seconds: 0.3,
      atMost: 1,
      aim: 0.5,
    },
    ...DBT_GOALS,
    within(1, 'tasks nothing', '20 tasks of 1,000 dates, nothing to do'),
    within(1, 'dates nothing', '10,000 dates, nothing to do'),
    within(1, 'date change', '10,000 dates, one more'),
  ],
  diskBytes: (scale) => scale * 6e9,

  async prepare(bench) {
    const jobs = await StoryTargets.prepare(bench, await yearOfJobs(bench.scaled(JOBS_PER_DAY)));
    // The tables of both are the same, so microbatch goes on with those that merge has made: it takes minutes.
    const dbtSteps = jobs.of(dbtMerge);
    await prepareDbt(bench, dbtSteps);
    const steps = new Map([edpRun, handWritten].map((each) => [each, jobs.of(each)]));
    for (const dbt of [dbtMerge, dbtMicrobatch]) steps.set(dbt, dbtSteps);
    return [
      ...(['build', 'change', 'nothing'] as const).flatMap((step) =>
        [...steps].flatMap(([contender, of]) => entriesOf(contender, of, step)),
      ),
      ...(await smallEntries(bench, manyTasks(), ['nothing'])),
      ...(await smallEntries(bench, manyDates(false), ['change'])),
      ...(await smallEntries(bench, manyDates(true), ['nothing', 'change'])),
    ];
  },
};

function entriesOf(contender: Contender, steps: Steps, step: Making['step']): Entry[] {
  // Who writes by hand runs nothing where nothing is to do.
  if (contender === handWritten && step === 'nothing') return [];
  const isSlow = contender === dbtMicrobatch && step === 'build';
  const key = `${contender.name} ${step}`;
  const title = `${contender.title}, ${STEP_TITLES[step]}`;
  return [{ key, title, contender, ...steps[step], ...(isSlow ? { maxRounds: 1 } : {}) }];
}

async function smallEntries(
  bench: Workbench,
  story: Story,
  steps: readonly Making['step'][],
): Promise<Entry[]> {
  const targets = await StoryTargets.prepare(bench, story);
  return steps.map((step) => ({
    key: `${story.name} ${step}`,
    title: `${edpRun.title}, ${story.title}: ${step === 'change' ? story.changeTitle : STEP_TITLES[step]}`,
    contender: edpRun,
    ...targets.of(edpRun)[step],
  }));
}

async function prepareDbt({ server, settings }: Workbench, { build }: Steps): Promise<void> {
  const presence = await dbtMerge.find(settings);
  if (!presence.isPresent) return;
  const { target } = build;
  await parseDbtProject({ target, database: server.runDatabase, settings, launch: launchApart });
}
