/** A notice of nothing to each receiver, so that a user sees whether it arrives before he needs it. */
import path from 'node:path';
import { edpVersion } from '../../base/package-files.js';
import type { NoticeEvent, Receiver } from '../../model/notify-schema.js';
import type { Notice } from './notice.schema.js';
import { nameReceiver, sendNotice } from './send-notice.js';

export interface SentTest {
  readonly receiver: string;
  /** What has gone wrong, if it was not delivered. */
  readonly fault: string | null;
}

export async function sendTests(
  receivers: readonly Receiver[],
  directory: string,
): Promise<readonly SentTest[]> {
  return await Promise.all(
    receivers.map(async (receiver) => ({
      receiver: nameReceiver(receiver),
      fault:
        (await sendNotice(receiver, testNotice(path.basename(directory), receiver.on))) ?? null,
    })),
  );
}

function testNotice(project: string, [event = 'failed']: readonly NoticeEvent[]): Notice {
  return {
    version: 1,
    isTest: true,
    event,
    events: [],
    title: 'edp notify: this is a test',
    project,
    command: 'notify',
    runId: null,
    exitStatus: 0,
    startedAt: new Date().toISOString(),
    seconds: 0,
    edpVersion: edpVersion(),
    rows: { read: 0, loaded: 0, rejected: 0, duplicate: 0 },
    failures: [],
    rejects: [],
    checks: [],
    stale: [],
    schemaChanges: [],
    omitted: 0,
    next: ['Nothing: notices arrive here.'],
  };
}
