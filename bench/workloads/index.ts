/** All workloads, in the order in which they run. A new one is a file here and a line below. */
import type { Workload } from '../workload.js';
import { bareTable } from './a-bare-table.js';
import { modelTable } from './b-model-table.js';
import { text } from './c-text.js';
import { manyFiles } from './d-many-files.js';
import { size } from './e-size.js';
import { olderVersion } from './f-older-version.js';
import { accounting } from './g-accounting.js';
import { inference } from './h-inference.js';
import { packed } from './i-packed.js';
import { jsonLines } from './j-json-lines.js';
import { partitions } from './p-partitions.js';
import { changeEvents } from './u-change-events.js';
import { captureCosts } from './v-capture.js';
import { warehouse } from './w-warehouse.js';

export const WORKLOADS: readonly Workload[] = [
  bareTable,
  modelTable,
  text,
  manyFiles,
  size,
  olderVersion,
  accounting,
  inference,
  packed,
  jsonLines,
  partitions,
  changeEvents,
  captureCosts,
  warehouse,
];
