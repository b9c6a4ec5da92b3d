/** I: the file of A packed by gzip, against the same file as it is, and against unpacking it alone. */
import { decompressor } from '../contenders/decompressor.js';
import { edp } from '../contenders/edp.js';
import type { Workload } from '../workload.js';

export const packed: Workload = {
  letter: 'I',
  name: 'packed',
  title: 'the file of A packed by gzip, into a table without constraints',
  notes: ['A load can be no faster than the decompressor, nor than the load of the plain file.'],
  goals: [
    {
      kind: 'speed',
      title: 'packed : the slower of plain and decompressor',
      of: 'edp packed',
      against: ['edp', 'decompressor'],
      atLeast: 0.95,
      aim: 1,
    },
    {
      kind: 'memory',
      title: "peak of RSS of edp's processes, packed",
      of: ['edp packed'],
      atMost: 300e6,
      aim: 200e6,
    },
  ],
  diskBytes: (scale) => scale * 0.15e9,

  async prepare(bench) {
    const plain = await bench.events();
    const dataset = await bench.packedEvents();
    const target = await bench.bareTable();
    return [
      { key: 'edp packed', title: `${edp.title}, packed`, contender: edp, dataset, target },
      { key: 'edp', title: `${edp.title}, plain`, contender: edp, dataset: plain, target },
      { key: 'decompressor', title: decompressor.title, contender: decompressor, dataset, target },
    ];
  },
};
