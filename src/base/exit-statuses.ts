/** What the exit statuses mean, for docs/codes.md. */
import type { EXIT } from './errors.js';

export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'Done. Also where the reader of a pipe went away.',
  failed:
    'Failed, and nothing is lost: run the same command again to continue. Also where `edp verify` found a difference.',
  usage: 'The command, an option or `edp.yaml` is wrong: change something first.',
  doneWithRejects:
    'Done, but some records were rejected (`edp ingest`, `edp replay`), or some values did not fit (`edp promote`).',
  interrupted: 'Interrupted (Ctrl-C): run the same command again to continue.',
};
