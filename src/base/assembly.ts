/** The WebAssembly that the build has made; see its sources, in folders called `assembly`. */
import { readFile } from 'node:fs/promises';
import { packageFile } from './package-files.js';

/** @param name of its file in dist */
export async function compileAssembly(
  name: 'byte-lane' | 'plain-records',
): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(packageFile(`dist/${name}.wasm`)));
}
