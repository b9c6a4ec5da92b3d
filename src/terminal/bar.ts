/** The progress bar of every command: on stderr, removed when the command ends. */
import { Presets, SingleBar } from 'cli-progress';
import type { Output } from './output.js';

/**
 * @param format the line, with `{bar}`, `{percentage}`, and the values passed to `start` and
 *   `update`
 */
export function makeBar(output: Output, format: string): SingleBar {
  return new SingleBar(
    {
      stream: output.progressStream,
      format,
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      fps: 8,
    },
    Presets.shades_classic,
  );
}
