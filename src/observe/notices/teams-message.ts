/** A notice as Teams takes it: an Adaptive Card, for a webhook of Workflows (connectors have been retired). */

import type { Notice } from './notice.schema.js';
import { describeNotice } from './notice-text.js';

const MAX_TEXT = 4000;
const COLOURS = {
  failed: 'Attention',
  rejects: 'Warning',
  check_failed: 'Attention',
  stale: 'Warning',
  schema_change: 'Accent',
} as const;

export function teamsMessage(notice: Notice): object {
  const { title, facts, parts, next } = describeNotice(notice);
  const sections = [
    ...parts,
    ...(next.length === 0 ? [] : [{ heading: 'What to do', lines: next }]),
  ];
  return {
    type: 'message',
    // Shown in lists of what is new.
    summary: title,
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          msteams: { width: 'Full' },
          body: [
            {
              ...textBlock(title),
              size: 'Large',
              weight: 'Bolder',
              color: notice.isTest ? 'Accent' : COLOURS[notice.event],
            },
            {
              type: 'FactSet',
              facts: facts.map(([name, value]) => ({ title: name, value: plain(value) })),
            },
            ...sections.flatMap(({ heading, lines }) => [
              { ...textBlock(heading), weight: 'Bolder', separator: true },
              ...lines.map((line) => ({ ...textBlock(line), spacing: 'Small' })),
            ]),
          ],
        },
      },
    ],
  };
}

function textBlock(text: string) {
  return { type: 'TextBlock', text: plain(text), wrap: true };
}

/** Cards read Markdown: names stay names, and become neither links nor lists. */
function plain(text: string): string {
  const short = text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`;
  return short.replace(/[\\`*_[\]]/g, '\\$&').replace(/^(\s*)([-+]|\d+\.)(\s)/, '$1\\$2$3');
}
