/** One notice to one receiver, in the form that it takes. */
import { randomUUID } from 'node:crypto';
import type { Receiver, WebhookReceiver } from '../../model/notify-schema.js';
import { deliver } from '../deliver.js';
import { post } from '../post.js';
import type { Notice } from './notice.schema.js';

/** @returns what has gone wrong, if it was not delivered */
export async function sendNotice(receiver: Receiver, notice: Notice): Promise<string | undefined> {
  if (receiver.kind === 'smtp') {
    const [{ mailText }, { sendMail }] = await Promise.all([
      import('./mail-text.js'),
      import('./send-mail.js'),
    ]);
    const mail = { id: randomUUID(), ...mailText(notice) };
    return deliver((signal, ms) => sendMail(receiver, mail, signal, ms));
  }
  const body = JSON.stringify(await bodyOf(receiver, notice));
  const headers = { 'content-type': 'application/json' };
  return deliver((signal) => post({ url: receiver.url, headers, body }, signal));
}

async function bodyOf({ format, key = '' }: WebhookReceiver, notice: Notice): Promise<object> {
  switch (format) {
    case 'json':
      return notice;
    case 'slack':
      return (await import('./slack-message.js')).slackMessage(notice);
    case 'teams':
      return (await import('./teams-message.js')).teamsMessage(notice);
    case 'pagerduty':
      return (await import('./pagerduty-event.js')).pagerdutyEvent(notice, key);
  }
}

/** For messages: the rest of a URL is a secret. */
export function nameReceiver(receiver: Receiver): string {
  const { hostname } = new URL(receiver.url);
  return `${receiver.kind === 'smtp' ? 'mail' : receiver.format} by ${hostname}`;
}
