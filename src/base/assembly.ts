/** The WebAssembly that the build makes; its sources are in folders called `assembly`. */
import { readFile } from 'node:fs/promises';
import { packageFile } from './package-files.js';

/** @param name of the module's file in dist */
export async function compileAssembly(
  name: 'byte-lane' | 'plain-records',
): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(packageFile(`dist/${name}.wasm`)));
}
