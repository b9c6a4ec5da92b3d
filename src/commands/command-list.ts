/**
 * The commands, in the order in which help lists them.
 *
 * To start fast, only the usage of each command is loaded at once; its code is loaded when it runs.
 */
import { help as capture } from './capture.help.js';
import { help as check } from './check.help.js';
import type { Command, CommandHelp } from './command.js';
import { help as completion } from './completion.help.js';
import { help as db } from './db.help.js';
import { help as diff } from './diff.help.js';
import { help as doctor } from './doctor.help.js';
import { help as generateData } from './generate-data.help.js';
import { help as generateReport } from './generate-report.help.js';
import { help as ingest } from './ingest/ingest.help.js';
import { help as init } from './init.help.js';
import { help as inspect } from './inspect.help.js';
import { help as lineage } from './lineage.help.js';
import { help as model } from './model.help.js';
import { help as notify } from './notify.help.js';
import { help as promote } from './promote.help.js';
import { help as promoteEnv } from './promote-env.help.js';
import { help as rejects } from './rejects.help.js';
import { help as replay } from './replay.help.js';
import { help as run } from './run.help.js';
import { help as sample } from './sample.help.js';
import { help as seedDimensions } from './seed-dimensions.help.js';
import { help as status } from './status.help.js';
import { help as test } from './test.help.js';
import { help as undo } from './undo.help.js';
import { help as verify } from './verify.help.js';

export interface CommandEntry extends CommandHelp {
  load(): Promise<{ readonly command: Command }>;
}

export const COMMANDS: readonly CommandEntry[] = [
  { ...ingest, load: () => import('./ingest/ingest.command.js') },
  { ...inspect, load: () => import('./inspect.command.js') },
  { ...model, load: () => import('./model.command.js') },
  { ...seedDimensions, load: () => import('./seed-dimensions.command.js') },
  { ...generateData, load: () => import('./generate-data.command.js') },
  { ...generateReport, load: () => import('./generate-report.command.js') },
  { ...status, load: () => import('./status.command.js') },
  { ...rejects, load: () => import('./rejects.command.js') },
  { ...replay, load: () => import('./replay.command.js') },
  { ...init, load: () => import('./init.command.js') },
  { ...run, load: () => import('./run.command.js') },
  { ...test, load: () => import('./test.command.js') },
  { ...diff, load: () => import('./diff.command.js') },
  { ...promoteEnv, load: () => import('./promote-env.command.js') },
  { ...check, load: () => import('./check.command.js') },
  { ...sample, load: () => import('./sample.command.js') },
  { ...lineage, load: () => import('./lineage.command.js') },
  { ...capture, load: () => import('./capture.command.js') },
  { ...undo, load: () => import('./undo.command.js') },
  { ...doctor, load: () => import('./doctor.command.js') },
  { ...verify, load: () => import('./verify.command.js') },
  { ...promote, load: () => import('./promote.command.js') },
  { ...notify, load: () => import('./notify.command.js') },
  { ...db, load: () => import('./db.command.js') },
  { ...completion, load: () => import('./completion.command.js') },
];

export function nameOf({ call }: CommandHelp): string {
  return call.split(' ', 1)[0]!;
}
