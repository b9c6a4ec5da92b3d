/** The built command line, with the most memory that it ever held. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type CliOptions, type CliResult, edp, makeDirectory } from './cli.js';
import type { CommandOf } from './json.js';

/** More than this no file may take, whatever is in it. */
export const MAX_MEMORY_MEGABYTES = 700;

/** @returns `peakMegabytes`: of the whole process, threads included */
export async function measureEdp<const A extends readonly string[]>(
  args: A,
  options: CliOptions,
): Promise<{ readonly result: CliResult<CommandOf<A>>; readonly peakMegabytes: number }> {
  const directory = await makeDirectory();
  const memory = path.join(directory, 'memory.txt');
  const hook = path.join(directory, 'memory.cjs');
  await writeFile(
    hook,
    `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(memory)}, String(process.resourceUsage().maxRSS)));`,
  );
  const nodeOptions = [options.env?.NODE_OPTIONS, `--require ${hook}`].filter(Boolean).join(' ');
  const env = { ...options.env, NODE_OPTIONS: nodeOptions };
  const result = await edp(args, { ...options, env });
  const peakMegabytes = Number(await readFile(memory, 'utf8')) / 1024;
  if (!(peakMegabytes > 0)) throw new Error('the memory of the process was not measured');
  return { result, peakMegabytes };
}
