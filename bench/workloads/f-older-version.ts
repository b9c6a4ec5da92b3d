/** F: the way of the platform's older version, into the platform's own table. */
import { edp } from '../contenders/edp.js';
import { pandas } from '../contenders/pandas.js';
import type { Workload } from '../workload.js';

/** Of the rows; all of them would take pandas minutes. */
const SAMPLE_SHARE = 0.125;

export const olderVersion: Workload = {
  letter: 'F',
  name: 'older-version',
  title: 'nested events into the built-in model, against pandas and SQLAlchemy',
  notes: [
    'pandas loads an eighth of the rows, and rows per second are compared; edp is also shown with that eighth.',
  ],
  goals: [
    {
      kind: 'speed',
      title: 'edp : pandas, rows/s',
      of: 'edp',
      against: 'pandas',
      atLeast: 20,
      aim: 40,
    },
  ],
  diskBytes: (scale) => scale * 0.6e9,

  async prepare(bench) {
    const target = await bench.modelTable();
    const sample = await bench.sampleEvents(SAMPLE_SHARE);
    return [
      { key: 'edp', title: edp.title, contender: edp, dataset: await bench.events(), target },
      {
        key: 'edp sample',
        title: `${edp.title}, the rows of pandas`,
        contender: edp,
        dataset: sample,
        target,
      },
      {
        key: 'pandas',
        title: pandas.title,
        contender: pandas,
        dataset: sample,
        target,
        maxRounds: 3,
      },
    ];
  },
};
