/**
 * Unpacks a file as edp does, and drops what is in it: how fast the decompressor alone is.
 *
 *     node unpack.js FILE
 */
import { decompress, guessCompression } from '../../src/formats/text/decompress.js';
import { readHead } from '../datasets/packed.js';

const file = process.argv[2]!;
let bytes = 0;
for await (const chunk of decompress(file, file, guessCompression(await readHead(file)))) {
  bytes += chunk.length;
}
process.stdout.write(`${bytes}\n`);
