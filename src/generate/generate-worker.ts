/** Thread entry of the generator's pool: a chunk in, its bytes out. */
import { workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { countStart } from '../base/threads.js';
import { type Chunk, type ChunkSettings, prepareChunks } from './chunk.js';

const writeChunk = prepareChunks(workerData as ChunkSettings);

export default function run(chunk: Chunk) {
  const made = writeChunk(chunk);
  return move({ [transferableSymbol]: [made.bytes.buffer], [valueSymbol]: made });
}

countStart();
