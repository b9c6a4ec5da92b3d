/** Files packed as their users pack them. */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import type { Dataset } from './dataset.js';
import { hashFile } from './events.js';

/** As `gzip` packs unless told otherwise. */
const GZIP_LEVEL = 6;

/** The very file of a dataset, packed by gzip; the totals stay. */
export async function packDataset(dataset: Dataset): Promise<Dataset> {
  const source = dataset.files[0]!;
  const file = `${source}.gz`;
  await pipeline(
    createReadStream(source, { highWaterMark: 1024 * 1024 }),
    zlib.createGzip({ level: GZIP_LEVEL }),
    createWriteStream(file),
  );
  return {
    ...dataset,
    name: `${dataset.name}_packed`,
    title: `${dataset.title}, packed by gzip`,
    files: [file],
    bytes: (await stat(file)).size,
    sha256: await hashFile(file),
    flat: undefined,
    encoded: [],
  };
}

/** Enough to tell how a file is packed. */
export async function readHead(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const head = Buffer.alloc(64);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
