/** A notice as a mail of plain text. */

import type { Notice } from './notice.schema.js';
import { describeNotice } from './notice-text.js';

export interface MailText {
  readonly subject: string;
  readonly text: string;
}

export function mailText(notice: Notice): MailText {
  const { title, facts, parts, next } = describeNotice(notice);
  const width = Math.max(...facts.map(([name]) => name.length));
  const blocks = [
    title,
    facts.map(([name, value]) => `${`${name}:`.padEnd(width + 2)}${value}`).join('\n'),
    ...parts.map(({ heading, lines }) => listed(heading, lines)),
    ...(next.length === 0 ? [] : [listed('What to do', next)]),
    '-- \nedp sends this because edp.yaml has this address under notify. It quotes no record.',
  ];
  return { subject: `[${notice.project}] ${title}`, text: `${blocks.join('\n\n')}\n` };
}

function listed(heading: string, lines: readonly string[]): string {
  return `${heading}\n${lines.map((line) => `  - ${line}`).join('\n')}`;
}
