/** Asks for confirmation on the terminal before something is removed. */
import type { Readable, Writable } from 'node:stream';

export interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable;
}

/**
 * Asks only if standard input is a terminal, never in a script. Any answer but yes means no, and so
 * does the end of the input.
 */
export async function confirm(
  question: string,
  signal: AbortSignal,
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<boolean> {
  if (input.isTTY !== true) return true;
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input, output });
  // The terminal sends Ctrl-C to the process, which handles it.
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
