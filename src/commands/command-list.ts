/**
 * The commands, in the order in which help lists them.
 *
 * Start-up is felt by users: how a command is called is known at once, and what it does is loaded when it runs.
 */
import type { Command, CommandUsage } from './command.js';
import { usage as db } from './db.usage.js';
import { usage as generateData } from './generate-data.usage.js';
import { usage as generateReport } from './generate-report.usage.js';
import { usage as ingest } from './ingest/ingest.usage.js';
import { usage as inspect } from './inspect.usage.js';
import { usage as model } from './model.usage.js';
import { usage as promote } from './promote.usage.js';
import { usage as rejects } from './rejects.usage.js';
import { usage as replay } from './replay.usage.js';
import { usage as seedDimensions } from './seed-dimensions.usage.js';
import { usage as status } from './status.usage.js';
import { usage as undo } from './undo.usage.js';
import { usage as verify } from './verify.usage.js';

export interface CommandEntry extends CommandUsage {
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
  { ...undo, load: () => import('./undo.command.js') },
  { ...verify, load: () => import('./verify.command.js') },
  { ...promote, load: () => import('./promote.command.js') },
  { ...db, load: () => import('./db.command.js') },
];

export function nameOf({ call }: CommandUsage): string {
  return call.split(' ', 1)[0]!;
}
