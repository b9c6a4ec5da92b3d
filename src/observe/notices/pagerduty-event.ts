/** A notice as an event of PagerDuty's Events API v2. */
import type { Notice } from './notice.schema.js';
import { describeNotice } from './notice-text.js';

const MAX_SUMMARY = 1024;
const SEVERITIES = {
  failed: 'error',
  rejects: 'warning',
  check_failed: 'error',
  stale: 'warning',
  schema_change: 'info',
} as const;

export function pagerdutyEvent(notice: Notice, key: string): object {
  const { facts, parts, next } = describeNotice(notice);
  const { project, command, event, title } = notice;
  return {
    routing_key: key,
    event_action: 'trigger',
    dedup_key: dedupKeyOf(notice),
    payload: {
      summary: `${title} (${project})`.slice(0, MAX_SUMMARY),
      source: `edp/${project}`,
      severity: notice.isTest ? 'info' : SEVERITIES[event],
      timestamp: notice.startedAt,
      component: command,
      class: event,
      custom_details: Object.fromEntries([
        ...facts.map(([name, value]) => [name, value]),
        ...parts.map(({ heading, lines }) => [heading, lines]),
        ...(next.length === 0 ? [] : [['What to do', next]]),
      ]),
    },
  };
}

/** What fails each night in the same way is one incident. */
function dedupKeyOf({ project, command, event, title }: Notice): string {
  const what = event === 'failed' ? title : event;
  return `edp/${project}/${command}/${what}`.slice(0, 255);
}
