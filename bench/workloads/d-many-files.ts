/** D: the records of A in one file, in a few, and in many small ones. */
import { edp } from '../contenders/edp.js';
import type { Workload } from '../workload.js';

/** At scale 1; fewer at a smaller scale, so that a small file stays as small as it is. */
const SMALL_FILES = 400;

export const manyFiles: Workload = {
  letter: 'D',
  name: 'many-files',
  title: 'the records of A in 8 files, and in 400 files of 1.4 MB',
  notes: [
    'The very same records. At a smaller --scale there are fewer small files, each as large as at scale 1.',
  ],
  goals: [
    {
      kind: 'speed',
      title: '8 files : 1 file',
      of: '8 files',
      against: '1 file',
      atLeast: 0.95,
      aim: 1,
    },
    {
      kind: 'speed',
      title: '400 files : 1 file',
      of: 'small files',
      against: '1 file',
      atLeast: 0.7,
      aim: 0.9,
    },
  ],
  diskBytes: (scale) => scale * 1.2e9,

  async prepare(bench) {
    const target = await bench.bareTable();
    const entry = { contender: edp, target };
    const small = await bench.eventsInFiles(bench.scaled(SMALL_FILES));
    return [
      { ...entry, key: '1 file', title: 'edp, 1 file', dataset: await bench.events() },
      { ...entry, key: '8 files', title: 'edp, 8 files', dataset: await bench.eventsInFiles(8) },
      {
        ...entry,
        key: 'small files',
        title: `edp, ${small.files.length} files`,
        dataset: small,
      },
    ];
  },
};
