/** `notify:` of edp.yaml: one notice of a command to each receiver, when the command has ended. */
import path from 'node:path';
import { EXIT } from '../../base/errors.js';
import { listen } from '../../base/happenings.js';
import type { Receiver } from '../../model/notify-schema.js';
import { resolveOptions } from '../../options/resolve-options.js';
import type { Observer, ObserverContext } from '../observer.js';
import { sendsNotices } from '../watched-work.js';
import { makeNotice } from './make-notice.js';
import { RunAccount } from './run-account.js';
import { nameReceiver, sendNotice } from './send-notice.js';

/** Before a run has begun these are mistakes in the call, which whoever typed it sees. */
const MISTAKES: ReadonlySet<string> = new Set([
  'usage',
  'unknown_environment',
  'unknown_load',
  'unknown_report',
  'unknown_run',
  'unknown_task',
]);

/** @param receivers at least one */
export function openNotices(
  { command, given, project, warn }: ObserverContext,
  receivers: readonly Receiver[],
): Observer | undefined {
  const { dryRun } = resolveOptions(['dry-run'], given, {});
  if (!sendsNotices(command, given) || dryRun) return undefined;
  const account = new RunAccount();
  const stop = listen((happening) => account.hear(happening));
  return {
    async close() {
      stop();
      if (account.exitStatus === EXIT.interrupted) return;
      if (account.runId === null && MISTAKES.has(account.endedBy ?? '')) return;
      const of = { project: path.basename(project.directory), command };
      await Promise.all(
        receivers.map(async (receiver) => {
          const notice = makeNotice(account, of, receiver.on);
          if (notice === undefined) return;
          const fault = await sendNotice(receiver, notice);
          if (fault !== undefined) {
            warn(`the notice to ${nameReceiver(receiver)} was not delivered: ${fault}`);
          }
        }),
      );
    },
  };
}
