/** The byte lane's memory, as a worker has it: one, for all that the thread loads. */
import { compileAssembly } from '../../src/ingest/assembly.js';
import { LaneMemory } from '../../src/ingest/lanes/lane-memory.js';

export const laneMemory = new LaneMemory(await compileAssembly('byte-lane'));
