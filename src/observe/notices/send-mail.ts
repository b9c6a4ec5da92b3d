/** One mail by SMTP. */
import { hostname } from 'node:os';
import { createTransport } from 'nodemailer';
import type { MailReceiver } from '../../model/notify-schema.js';
import { decode } from '../../source/http/url-names.js';
import { DeliveryFault } from '../post.js';
import type { MailText } from './mail-text.js';

/** nodemailer's own words for faults of the connection; a reply of the server has a number instead. */
const PASSING_CODES: ReadonlySet<string> = new Set(['ECONNECTION', 'ETIMEDOUT', 'EDNS', 'ESOCKET']);

/** How long a server may take to close a connection that has ended: the process waits for it. */
const CLOSE_MS = 250;

export interface Mail extends MailText {
  /** The same for each try, so that a mail that comes twice is known for one. */
  readonly id: string;
}

/** @param ms after which the signal ends it. @throws DeliveryFault */
export async function sendMail(
  receiver: MailReceiver,
  { id, subject, text }: Mail,
  signal: AbortSignal,
  ms: number,
): Promise<void> {
  const url = new URL(receiver.url);
  const from = senderOf(receiver);
  const transport = createTransport({
    ...settingsOf(url),
    connectionTimeout: ms,
    greetingTimeout: ms,
    socketTimeout: ms,
    dnsTimeout: ms,
    socketCloseTimeout: CLOSE_MS,
    // Nothing but the text below may be read from files or URLs.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  signal.addEventListener('abort', () => transport.close(), { once: true });
  try {
    const { rejected } = await transport.sendMail({
      from: { name: 'edp', address: from },
      to: receiver.to.map((address) => ({ name: '', address })),
      subject,
      text,
      messageId: `<${id}@${from.slice(from.lastIndexOf('@') + 1)}>`,
      // No machine answers it.
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
    if ((rejected ?? []).length > 0) {
      throw new DeliveryFault(
        `it takes no mail for ${rejected.length} of ${receiver.to.length} addresses`,
        false,
      );
    }
  } catch (error) {
    throw error instanceof DeliveryFault ? error : faultOf(error);
  } finally {
    transport.close();
  }
}

function settingsOf(url: URL) {
  const isSecure = url.protocol === 'smtps:';
  const flag = (name: string) => url.searchParams.get(name);
  const user = decode(url.username);
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isSecure ? 465 : user === '' ? 25 : 587) : Number(url.port),
    secure: isSecure,
    // A password never goes over a network in the clear.
    requireTLS: !isSecure && user !== '' && !isLocal,
    ignoreTLS: flag('tls') === 'off' && (user === '' || isLocal),
    ...(user === '' ? {} : { auth: { user, pass: decode(url.password) } }),
    ...(flag('verify') === 'off' ? { tls: { rejectUnauthorized: false } } : {}),
  };
}

/** The address that a mail server is most likely to accept from this user. */
function senderOf({ from, url, to }: MailReceiver): string {
  if (from !== undefined) return from;
  const user = decode(new URL(url).username);
  if (/^[^\s@<>,;"]+@[^\s@<>,;"]+$/.test(user)) return user;
  const [first = ''] = to;
  return `edp@${first.slice(first.lastIndexOf('@') + 1) || hostname()}`;
}

/** Replies quote addresses and whatever a server likes to say, so only their number is kept. */
function faultOf(error: unknown): DeliveryFault {
  const { responseCode, code = '', originalCode = code } = error as MailError;
  if (responseCode !== undefined) {
    const mayPass = responseCode >= 400 && responseCode < 500;
    return new DeliveryFault(`it answers ${responseCode}`, mayPass);
  }
  const isTls = /CERT|TLS|SSL|^UNABLE_TO|^HOSTNAME|^EPROTO/.test(`${originalCode} ${code}`);
  const mayPass = !isTls && PASSING_CODES.has(code);
  return new DeliveryFault(originalCode === '' ? 'it cannot be reached' : originalCode, mayPass);
}

interface MailError {
  /** Of the server's reply. */
  readonly responseCode?: number;
  readonly code?: string;
  /** Of the connection's error, which nodemailer has renamed. */
  readonly originalCode?: string;
}
