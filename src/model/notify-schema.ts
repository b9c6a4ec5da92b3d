/** The section `notify` of edp.yaml: who gets a notice, in which form, and of what. */
import { z } from 'zod';

/** What a notice can be about, the weightiest first. */
export const NOTICE_EVENTS = [
  'failed',
  'rejects',
  'check_failed',
  'stale',
  'schema_change',
] as const;

export type NoticeEvent = (typeof NOTICE_EVENTS)[number];

export const NOTICE_FORMATS = ['slack', 'teams', 'json', 'pagerduty'] as const;

export type NoticeFormat = (typeof NOTICE_FORMATS)[number];

const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue';

interface Told {
  readonly on: readonly NoticeEvent[];
}

/** Of a receiver, as edp.yaml writes it. */
export const NOTIFY_KEYS = ['webhook', 'format', 'key', 'smtp', 'to', 'from', 'on'] as const;

export interface WebhookReceiver extends Told {
  readonly kind: 'webhook';
  /** A secret: who knows it may write to the channel. */
  readonly url: string;
  readonly format: NoticeFormat;
  /** Routing key of PagerDuty. */
  readonly key: string | undefined;
}

export interface MailReceiver extends Told {
  readonly kind: 'smtp';
  /** With user and password. */
  readonly url: string;
  readonly to: readonly string[];
  readonly from: string | undefined;
}

export type Receiver = WebhookReceiver | MailReceiver;

// No message quotes what was written: it is a secret, in whole or in part.
const url = (schemes: readonly string[], example: string) =>
  z.string().refine((text) => isUrlOf(schemes, text), {
    error: () => `expected a URL such as ${example}`,
  });

/** `smtp:host` is a URL, too, of no host. */
function isUrlOf(schemes: readonly string[], text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return schemes.includes(protocol) && hostname !== '';
}

const address = z.string().regex(/^[^\s@<>,;"]+@[^\s@<>,;"]+$/, {
  error: () => 'expected an address such as data@company.example',
});

const receiver = () =>
  z
    .strictObject({
      webhook: url(['https:', 'http:'], 'https://hooks.slack.com/…')
        .optional()
        .describe('URL that takes notices; of PagerDuty, its Events API v2 unless named'),
      format: z
        .enum(NOTICE_FORMATS, { error: () => `expected one of ${NOTICE_FORMATS.join(', ')}` })
        .optional()
        .describe('What the URL takes'),
      key: z
        .string()
        .min(1, { error: () => 'the routing key is empty' })
        .optional()
        .describe('Routing key (integration key) of a PagerDuty service'),
      smtp: url(['smtp:', 'smtps:'], 'smtps://user:password@mail.company.example')
        .optional()
        .describe('Mail server, as smtp:// (with STARTTLS where the server has it) or smtps://'),
      to: z
        .union([address.transform((one) => [one]), z.array(address).min(1)], {
          error: () => 'expected an address such as data@company.example, or a list of them',
        })
        .optional()
        .describe('Who gets the mail'),
      from: address
        .optional()
        .describe("Sender; without it the server's user, or edp@ and the domain of `to`"),
      on: z
        .array(
          z.enum(NOTICE_EVENTS, { error: () => `expected some of ${NOTICE_EVENTS.join(', ')}` }),
        )
        .min(1, { error: () => `expected some of ${NOTICE_EVENTS.join(', ')}` })
        .optional()
        .describe('What the notices are about; all of it unless specified'),
    })
    .superRefine((value, context) => {
      for (const [key, message] of faultsOf(value)) {
        context.addIssue({ code: 'custom', path: [key], message });
      }
    })
    .transform(toReceiver);

interface Written {
  readonly webhook?: string | undefined;
  readonly format?: NoticeFormat | undefined;
  readonly key?: string | undefined;
  readonly smtp?: string | undefined;
  readonly to?: readonly string[] | undefined;
  readonly from?: string | undefined;
  readonly on?: readonly NoticeEvent[] | undefined;
}

function faultsOf({ webhook, format, key, smtp, to, from }: Written): [string, string][] {
  const faults: [string, string][] = [];
  const isPager = format === 'pagerduty';
  if (smtp !== undefined) {
    if (webhook !== undefined) faults.push(['smtp', 'a receiver has webhook or smtp, not both']);
    if (format !== undefined) faults.push(['format', 'a mail has no format']);
    if (to === undefined) faults.push(['smtp', 'to: names who gets the mail']);
  } else {
    if (webhook === undefined && !isPager)
      faults.push(['webhook', 'a receiver has webhook or smtp']);
    if (format === undefined && webhook !== undefined) {
      faults.push(['webhook', `format: says what it takes: ${NOTICE_FORMATS.join(', ')}`]);
    }
    if (to !== undefined) faults.push(['to', 'only a mail has it']);
    if (from !== undefined) faults.push(['from', 'only a mail has it']);
  }
  if (isPager && key === undefined)
    faults.push(['format', 'key: is the routing key of the service']);
  if (!isPager && key !== undefined) faults.push(['key', 'only pagerduty has it']);
  return faults;
}

function toReceiver({
  webhook,
  format,
  key,
  smtp,
  to,
  from,
  on = NOTICE_EVENTS,
}: Written): Receiver {
  if (smtp !== undefined) return { kind: 'smtp', url: smtp, to: to ?? [], from, on };
  return {
    kind: 'webhook',
    url: webhook ?? PAGERDUTY_URL,
    format: format ?? 'json',
    key,
    on,
  };
}

/** Made where a project has one. */
export const notifySection = () =>
  z.array(receiver(), { error: () => 'notify is a list of receivers, each with webhook or smtp' });

export type NotifyInput = readonly Receiver[];
