/** `edp notify test`: a notice to each receiver, though nothing happened. */
import { EdpError, EXIT } from '../base/errors.js';
import { sendTests } from '../observe/notices/send-tests.js';
import type { Command } from './command.js';
import type { NotifyJson } from './json/notify.schema.js';

export const command: Command = {
  async run({ project, output }) {
    const { notify = [], directory } = project;
    if (notify.length === 0) {
      throw new EdpError('usage', 'edp.yaml lists no receiver under notify:', {
        hint: 'docs/monitoring.md shows how to name one',
      });
    }
    const receivers = await sendTests(notify, directory);
    for (const { receiver, fault } of receivers) {
      if (fault === null) output.line(`${receiver}: delivered`);
      else output.error(`${receiver}: not delivered: ${fault}`);
    }
    const result: NotifyJson = {
      command: 'notify',
      ok: true,
      receivers: receivers.map(({ receiver, fault }) => ({
        receiver,
        delivered: fault === null,
        fault,
      })),
    };
    output.result(result);
    return receivers.every(({ fault }) => fault === null) ? EXIT.done : EXIT.failed;
  },
};
