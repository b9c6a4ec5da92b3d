/** G: what it costs to account for every record. */
import { barePath } from '../contenders/bare-path.js';
import { edp } from '../contenders/edp.js';
import type { Workload } from '../workload.js';

export const accounting: Workload = {
  letter: 'G',
  name: 'accounting',
  title: 'the load of A with ledger, content hash and rejects, against the bare path',
  notes: [
    'The bare path (bench/clients/bare-load.ts) runs the same lanes and the same COPY on the same splits, without content hash, ledger, receipts, verified boundaries and command line.',
  ],
  roundFactor: 2,
  goals: [
    {
      kind: 'speed',
      title: 'edp : bare path',
      of: 'edp',
      against: 'bare-path',
      atLeast: 0.95,
      aim: 0.98,
    },
  ],
  diskBytes: () => 0,

  async prepare(bench) {
    const dataset = await bench.events();
    const target = await bench.bareTable();
    return [edp, barePath].map((contender) => ({
      key: contender.name,
      title: contender.title,
      contender,
      dataset,
      target,
    }));
  },
};
