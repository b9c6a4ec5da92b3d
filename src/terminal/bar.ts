/** The progress bar of every command: on stderr, removed when the command ends. */
import { Presets, SingleBar } from 'cli-progress';
import type { Output } from './output.js';

/** @param layOut the whole line, which must fit into that many columns */
export function makeBar(output: Output, layOut: (columns: number) => string): SingleBar {
  const { progressStream: stream } = output;
  return new SingleBar(
    {
      stream,
      format: () => layOut(stream.columns || 80),
      hideCursor: true,
      clearOnComplete: true,
      fps: 8,
      // Ctrl-C does not end the command at once, so the bar goes on.
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
}
