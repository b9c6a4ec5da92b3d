/** E: speed and memory do not depend on the size of the file. */
import { edp } from '../contenders/edp.js';
import type { Workload } from '../workload.js';

const MB = 1e6;

export const size: Workload = {
  letter: 'E',
  name: 'size',
  title: 'events of A, at 1, 4 and 20 million rows',
  notes: ['Memory is the resident set of the processes of edp; the server has its own column.'],
  goals: [
    {
      kind: 'even speed',
      title: 'slowest : fastest of the three',
      of: ['1 M', '4 M', '20 M'],
      atLeast: 0.9,
      aim: 1,
    },
    {
      kind: 'memory',
      title: 'peak RSS of edp',
      of: ['1 M', '4 M', '20 M'],
      atMost: 300 * MB,
      aim: 200 * MB,
    },
    {
      kind: 'flat memory',
      title: 'peak RSS, 20 M : 4 M rows',
      of: '20 M',
      against: '4 M',
      atMost: 1.1,
      aim: 1,
    },
  ],
  diskBytes: (scale) => scale * 5.5e9,

  async prepare(bench) {
    const target = await bench.bareTable();
    const entry = { contender: edp, target };
    return [
      {
        ...entry,
        key: '1 M',
        title: 'edp, 1 M rows',
        dataset: await bench.manyEvents('small', 1_000_000),
      },
      { ...entry, key: '4 M', title: 'edp, 4 M rows', dataset: await bench.events() },
      {
        ...entry,
        key: '20 M',
        title: 'edp, 20 M rows',
        dataset: await bench.manyEvents('large', 20_000_000),
      },
    ];
  },
};
