/** H: types inferred from all records of a file, against loading it. */
import { edp } from '../contenders/edp.js';
import { inferTypes } from '../contenders/inference.js';
import type { Workload } from '../workload.js';

export const inference: Workload = {
  letter: 'H',
  name: 'inference',
  title: 'types inferred from all records of the file of A, against loading it',
  notes: [
    'Inference reads each record, tells the type of each field, verifies that all ids are different, and looks into the JSON for metrics. It writes nothing.',
  ],
  goals: [
    {
      kind: 'speed',
      title: 'inference : load',
      of: 'edp-infer',
      against: 'edp',
      atLeast: 0.5,
      aim: 1,
    },
  ],
  diskBytes: () => 0,

  async prepare(bench) {
    const dataset = await bench.events();
    const target = await bench.bareTable();
    return [inferTypes, edp].map((contender) => ({
      key: contender.name,
      title: contender.title,
      contender,
      dataset,
      target,
    }));
  },
};
