/** C: text-heavy records, which no one has to flatten: the same file for all. */
import { clientCopy } from '../contenders/client-copy.js';
import { edp } from '../contenders/edp.js';
import { parallelClientCopy } from '../contenders/parallel-client-copy.js';
import { psql } from '../contenders/psql.js';
import { serverBinaryCopy } from '../contenders/server-binary-copy.js';
import type { Workload } from '../workload.js';

export const text: Workload = {
  letter: 'C',
  name: 'text',
  title: 'text-heavy CSV: 20 columns, quoted multi-line UTF-8 text, floats, booleans, timestamps',
  notes: [
    'All read the same file, except (c), whose rows were encoded beforehand. The table has no constraints.',
    'One score in fifty is printed with all digits of a double, as programs print what they computed.',
  ],
  goals: [
    {
      kind: 'speed',
      title: 'edp : (a) 1 client COPY of the same file',
      of: 'edp',
      against: 'client-copy',
      atLeast: 1.3,
      aim: 2,
    },
  ],
  diskBytes: (scale) => scale * 4.5e9,

  async prepare(bench) {
    const dataset = await bench.reviews();
    const target = await bench.reviewsTable();
    return [edp, clientCopy, parallelClientCopy, serverBinaryCopy, psql].map((contender) => ({
      key: contender.name,
      title: contender.title,
      contender,
      dataset,
      target,
    }));
  },
};
