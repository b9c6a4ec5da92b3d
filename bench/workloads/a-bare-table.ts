/** A: nested events into a table without constraints: reading, flattening and COPY alone. */
import { clientCopy } from '../contenders/client-copy.js';
import { duckdb } from '../contenders/duckdb.js';
import { edp } from '../contenders/edp.js';
import { parallelClientCopy } from '../contenders/parallel-client-copy.js';
import { pgloader } from '../contenders/pgloader.js';
import { psql } from '../contenders/psql.js';
import { serverBinaryCopy } from '../contenders/server-binary-copy.js';
import type { Workload } from '../workload.js';

/** Of the rows, for what takes a minute and more with all of them. */
const SAMPLE_SHARE = 0.125;

export const bareTable: Workload = {
  letter: 'A',
  name: 'bare-table',
  title: 'nested events, one file, into a table without constraints',
  notes: [
    'edp reads the nested file; (a), (b), psql and pgloader read the same rows flattened beforehand, (c) the same rows encoded beforehand. Neither preparation counts.',
    'The table has the eight columns of the flat file and `extra_metrics`; lineage is off, so that all write the same rows.',
  ],
  goals: [
    {
      kind: 'speed',
      title: 'edp : (a) 1 client COPY',
      of: 'edp',
      against: 'client-copy',
      atLeast: 1.7,
      aim: 2.5,
    },
    {
      kind: 'speed',
      title: 'edp : (b) a client COPY per CPU',
      of: 'edp',
      against: 'parallel-client-copy',
      atLeast: 1,
      aim: 1,
    },
    {
      kind: 'speed',
      title: 'edp : (c) the limit',
      of: 'edp',
      against: 'server-binary-copy',
      atLeast: 0.45,
      aim: 0.6,
    },
  ],
  diskBytes: (scale) => scale * 0.6e9,

  async prepare(bench) {
    const dataset = await bench.events();
    const sample = await bench.sampleEvents(SAMPLE_SHARE);
    const target = await bench.bareTable();
    const entries = [edp, clientCopy, parallelClientCopy, serverBinaryCopy, psql, duckdb].map(
      (contender) => ({
        key: contender.name,
        title: contender.title,
        contender,
        dataset,
        target,
      }),
    );
    return [
      ...entries,
      {
        key: pgloader.name,
        title: pgloader.title,
        contender: pgloader,
        dataset: sample,
        target,
        maxRounds: 2,
      },
    ];
  },
};
