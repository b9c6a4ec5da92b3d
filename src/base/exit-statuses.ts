/** What the exit statuses mean, for docs/codes.md, and which counts where several hold. */
import { EXIT } from './errors.js';

export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'Done. Also where the reader of a pipe went away.',
  failed:
    'Failed, and nothing is lost: run the same command again to continue. Also where `edp verify` found a difference.',
  usage: 'The command, an option or `edp.yaml` is wrong: change something first.',
  doneWithRejects:
    'Done, but some records were rejected (`edp ingest`, `edp replay`), or some values did not fit (`edp promote`).',
  difference:
    'Done, and a difference was found (`edp diff`, `edp codegen --check`, `edp schema`; `edp verify` ends with 1).',
  interrupted: 'Interrupted (Ctrl-C): run the same command again to continue.',
};

/** Where several hold, the first counts. */
export const EXIT_PRECEDENCE = [
  'interrupted',
  'usage',
  'failed',
  'doneWithRejects',
  'difference',
  'done',
] as const satisfies readonly (keyof typeof EXIT)[];

/** @param holding the statuses that hold; 0 where none does */
export function chooseStatus(
  holding: Readonly<Partial<Record<keyof typeof EXIT, boolean>>>,
): number {
  return EXIT[EXIT_PRECEDENCE.find((name) => holding[name] === true) ?? 'done'];
}
