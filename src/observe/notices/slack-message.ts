/** A notice as Slack's incoming webhooks take it: Block Kit, with a text for where blocks are not shown. */

import type { Notice } from './notice.schema.js';
import { describeNotice } from './notice-text.js';

/** Slack's limits are 150, 3000 and 2000 characters; a longer block fails the whole message. */
const MAX_HEADER = 150;
const MAX_SECTION = 2900;
const MAX_FIELD = 1900;

export function slackMessage(notice: Notice): object {
  const { title, facts, parts, next } = describeNotice(notice);
  const sections = [
    ...parts,
    ...(next.length === 0 ? [] : [{ heading: 'What to do', lines: next }]),
  ];
  return {
    text: escapeForSlack(`${title} (${notice.project})`),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: cut(title, MAX_HEADER), emoji: false } },
      {
        type: 'section',
        fields: facts.map(([name, value]) =>
          markdown(`*${name}*\n${cut(escapeForSlack(value), MAX_FIELD)}`),
        ),
      },
      ...sections.map(({ heading, lines }) => ({
        type: 'section',
        text: markdown(
          cut(
            `*${heading}*\n${lines.map((line) => `• ${escapeForSlack(line)}`).join('\n')}`,
            MAX_SECTION,
          ),
        ),
      })),
    ],
  };
}

/** `verbatim`: no name becomes a link, a channel or a person. */
function markdown(text: string) {
  return { type: 'mrkdwn', text, verbatim: true };
}

/** These three are all that Slack takes for more than text, beside marks of emphasis. */
function escapeForSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** An entity is not cut in two. */
function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).replace(/&\w*$/, '')}…`;
}
