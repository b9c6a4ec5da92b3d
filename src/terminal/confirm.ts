/** A question on the terminal before something is removed. */
import type { Readable, Writable } from 'node:stream';

export interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable;
}

/**
 * Asks, where a person is there to answer: standard input is a terminal. Anything but yes is no, and so is
 * the end of the input. A script is not asked.
 */
export async function confirm(
  question: string,
  signal: AbortSignal,
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<boolean> {
  if (input.isTTY !== true) return true;
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input, output });
  // The terminal sends Ctrl-C to the process, which knows what to do about it.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), ended]);
    return /^\s*(y|yes)\s*$/i.test(answer);
  } catch {
    return false;
  } finally {
    lines.close();
  }
}
