/** B: the same into the platform's own table, empty and full: key, index and foreign keys. */
import { clientCopy } from '../contenders/client-copy.js';
import { edp } from '../contenders/edp.js';
import { parallelClientCopy } from '../contenders/parallel-client-copy.js';
import { serverBinaryCopy } from '../contenders/server-binary-copy.js';
import type { Workload } from '../workload.js';

const CONTENDERS = [
  { contender: edp },
  { contender: clientCopy },
  // They tell where the time goes, and no goal depends on them; each takes half a minute and more.
  { contender: parallelClientCopy, maxRounds: 2 },
  { contender: serverBinaryCopy, maxRounds: 2 },
];

export const modelTable: Workload = {
  letter: 'B',
  name: 'model-table',
  title: 'nested events into the built-in model: primary key, index, two foreign keys',
  notes: [
    'Once into an empty table, once into one that already holds as many events with lower ids.',
    'edp also writes `load_id`; for the others it stays NULL.',
  ],
  goals: [
    {
      kind: 'speed',
      title: 'edp : (a) into the empty table',
      of: 'edp empty',
      against: 'client-copy empty',
      atLeast: 5,
      aim: 8,
    },
    {
      kind: 'speed',
      title: 'edp : (a) into the full table',
      of: 'edp full',
      against: 'client-copy full',
      atLeast: 5,
      aim: 8,
    },
  ],
  diskBytes: (scale) => scale * 2.5e9,

  async prepare(bench) {
    const dataset = await bench.events();
    const targets = { empty: await bench.modelTable(), full: await bench.filledModelTable() };
    return Object.entries(targets).flatMap(([state, target]) =>
      CONTENDERS.map(({ contender, ...limit }) => ({
        ...limit,
        key: `${contender.name} ${state}`,
        title: `${contender.title}, ${state} table`,
        contender,
        dataset,
        target,
      })),
    );
  },
};
