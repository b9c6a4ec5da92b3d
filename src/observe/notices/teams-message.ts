/** A notice as Teams takes it: an Adaptive Card, for a webhook of Workflows (connectors have been retired). */

import type { Notice } from './notice.schema.js';
import { describeNotice, type NoticeText } from './notice-text.js';

const MAX_TEXT = 4000;
/** Teams takes 28 KB, and refuses a longer message as a whole. */
const MAX_BYTES = 27_000;
const COLOURS = {
  failed: 'Attention',
  rejects: 'Warning',
  check_failed: 'Attention',
  stale: 'Warning',
  schema_change: 'Accent',
} as const;

export function teamsMessage(notice: Notice): object {
  const { title, facts, parts, next } = describeNotice(notice);
  const advice = next.length === 0 ? [] : blocksOf({ heading: 'What to do', lines: next });
  const head = [
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
  ];
  const room = MAX_BYTES - bytesOf(messageOf(title, [...head, ...advice]));
  return messageOf(title, [...head, ...firstOf(parts.flatMap(blocksOf), room), ...advice]);
}

function messageOf(title: string, body: readonly object[]): object {
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
          body,
        },
      },
    ],
  };
}

function blocksOf({ heading, lines }: NoticeText['parts'][number]): readonly object[] {
  return [
    { ...textBlock(heading), weight: 'Bolder', separator: true },
    ...lines.map((line) => ({ ...textBlock(line), spacing: 'Small' })),
  ];
}

/** The first blocks, as many as there is room for, and how many lines are missing. */
function firstOf(blocks: readonly object[], room: number): readonly object[] {
  if (bytesOf(blocks) <= room) return blocks;
  const kept: object[] = [];
  let left = room - bytesOf([missing(blocks.length)]);
  for (const block of blocks) {
    left -= bytesOf(block) + 1;
    if (left < 0) break;
    kept.push(block);
  }
  return [...kept, missing(blocks.length - kept.length)];
}

function missing(lines: number): object {
  return textBlock(`${lines} more lines have no room here`);
}

function bytesOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function textBlock(text: string) {
  return { type: 'TextBlock', text: plain(text), wrap: true };
}

/** Cards read Markdown: names stay names, and become neither links nor lists. */
function plain(text: string): string {
  const short = text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`;
  return short.replace(/[\\`*_[\]]/g, '\\$&').replace(/^(\s*)([-+]|\d+\.)(\s)/, '$1\\$2$3');
}
