/** The byte lane's memory, as a worker has it: one, for all that the thread loads. */
import { compileAssembly } from '../../src/base/assembly.js';
import { LaneMemory } from '../../src/lanes/lane-memory.js';

export const laneMemory = new LaneMemory(await compileAssembly('byte-lane'));
