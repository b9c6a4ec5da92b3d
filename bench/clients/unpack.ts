/**
 * Unpacks a file as edp does, and drops what is in it: how fast the decompressor alone is.
 *
 *     node unpack.js FILE
 */
import { decompress, guessCompression } from '../../src/formats/text/decompress.js';
import { localVersion } from '../../src/source/local-files.js';
import { readHead } from '../datasets/packed.js';

const file = process.argv[2]!;
let bytes = 0;
const compression = guessCompression(await readHead(file));
for await (const chunk of decompress(await localVersion(file), file, compression)) {
  bytes += chunk.length;
}
process.stdout.write(`${bytes}\n`);
