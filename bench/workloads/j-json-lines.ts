/** J: the events of A as lines of JSON, against the CSV: bytes of the files a second. */
import { edp } from '../contenders/edp.js';
import type { Workload } from '../workload.js';

export const jsonLines: Workload = {
  letter: 'J',
  name: 'json-lines',
  title: 'the events of A as lines of JSON, against the CSV',
  notes: [
    'A line has the keys as well, so its file is larger; the ratios are those of bytes of the files a second.',
    'Metrics are an object, or, as in CSV, a string with the JSON in it.',
  ],
  goals: [
    {
      kind: 'byte speed',
      title: 'lines of JSON : CSV, MB/s, table without constraints',
      of: 'jsonl',
      against: 'csv',
      atLeast: 0.6,
      aim: 1,
    },
    {
      kind: 'byte speed',
      title: 'metrics in strings : CSV, MB/s, table without constraints',
      of: 'jsonl strings',
      against: 'csv',
      atLeast: 0.6,
      aim: 1,
    },
    {
      kind: 'byte speed',
      title: 'lines of JSON : CSV, MB/s, built-in model',
      of: 'jsonl model',
      against: 'csv model',
      atLeast: 0.6,
      aim: 1,
    },
  ],
  diskBytes: (scale) => scale * 2e9,

  async prepare(bench) {
    const csv = await bench.events();
    const objects = await bench.eventsAsJsonLines('object');
    const strings = await bench.eventsAsJsonLines('string');
    const bare = await bench.bareTable();
    const model = await bench.modelTable();
    const entry = (key: string, what: string, dataset: typeof csv, target: typeof bare) => ({
      key,
      title: `${edp.title}, ${what}`,
      contender: edp,
      dataset,
      target,
    });
    return [
      entry('csv', 'CSV', csv, bare),
      entry('jsonl', 'lines of JSON', objects, bare),
      entry('jsonl strings', 'lines of JSON, metrics in strings', strings, bare),
      entry('csv model', 'CSV, built-in model', csv, model),
      entry('jsonl model', 'lines of JSON, built-in model', objects, model),
    ];
  },
};
