/** The projects of `edp init`: what each is, and the commands that show that it works. */

/** A step of the workflow, and a target of the Makefile. */
export interface Step {
  readonly target: string;
  readonly title: string;
  readonly commands: readonly string[];
}

export interface ProjectKind {
  /** What it is about, for its README: a sentence. */
  readonly about: string;
  /** Its files in this package. */
  readonly folder: string;
  readonly steps: readonly Step[];
}

const LOOK: Step = {
  target: 'doctor',
  title: 'Look for faults of edp.yaml and of the surroundings',
  commands: ['edp doctor'],
};
const BEHIND: readonly Step[] = [
  { target: 'run', title: 'Make the tables of the warehouse', commands: ['edp run'] },
  { target: 'test', title: 'Run the tests of the tables', commands: ['edp test'] },
  { target: 'check', title: 'Check the rows', commands: ['edp check'] },
];

export const PROJECT_KINDS = {
  events: {
    about: 'Events with metrics and two dimensions, and what each day had of them.',
    folder: 'examples/events/',
    steps: [
      LOOK,
      {
        target: 'data',
        title: 'Write events to try it with',
        commands: ['edp generate-data --files 2 --count 20000'],
      },
      {
        target: 'load',
        title: 'Load them',
        commands: ['edp seed-dimensions', "edp ingest 'data/events-*.csv'"],
      },
      ...BEHIND,
      {
        target: 'verify',
        title: 'Compare a file with its rows',
        commands: ['edp verify 3'],
      },
      {
        target: 'report',
        title: 'Write a report',
        commands: ['edp generate-report events_by_day'],
      },
    ],
  },
  csv: {
    about: 'CSV files of a shop, the last state of each order, and what each day brought.',
    folder: 'examples/csv/',
    steps: [
      LOOK,
      { target: 'load', title: 'Load the files', commands: ["edp ingest 'data/*.csv'"] },
      ...BEHIND,
      { target: 'verify', title: 'Compare a file with its rows', commands: ['edp verify 1'] },
      {
        target: 'report',
        title: 'Write a report',
        commands: ['edp generate-report orders_by_day'],
      },
    ],
  },
  warehouse: {
    about: 'Members, groups, events and answers, with every trouble that a warehouse is for.',
    folder: 'examples/warehouse/',
    steps: [
      LOOK,
      {
        target: 'load',
        title: 'Load the files',
        commands: ["edp ingest 'data/*.csv' --on-conflict update"],
      },
      ...BEHIND,
      { target: 'verify', title: 'Compare a file with its rows', commands: ['edp verify 1'] },
      {
        target: 'report',
        title: 'Write a report',
        commands: ['edp sample', 'edp generate-report load_history'],
      },
    ],
  },
} as const satisfies Readonly<Record<string, ProjectKind>>;

export type ProjectName = keyof typeof PROJECT_KINDS;
