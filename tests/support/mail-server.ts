/** A real SMTP server on loopback that keeps the mails it takes. */
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { onTestFinished } from 'vitest';

export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  /** As it came, with its headers. */
  readonly text: string;
  readonly isEncrypted: boolean;
  readonly user: string | undefined;
}

export interface MailServer {
  readonly port: number;
  readonly mails: TakenMail[];
  /** How many senders were named: tries. */
  readonly tries: () => number;
}

export interface MailServerOptions {
  /** SMTP status that the n-th try gets, from 0; undefined to take it. */
  readonly refuse?: (n: number) => number | undefined;
  /** Otherwise nobody has to log in. */
  readonly login?: { readonly user: string; readonly password: string };
  readonly tls?: { readonly key: string; readonly cert: string };
  /** TLS from the first byte. */
  readonly isSecure?: boolean;
}

export async function startMailServer({
  refuse = () => undefined,
  login,
  tls,
  isSecure = false,
}: MailServerOptions = {}): Promise<MailServer> {
  const mails: TakenMail[] = [];
  let tries = 0;
  const server = new SMTPServer({
    ...tls,
    secure: isSecure,
    authOptional: login === undefined,
    disabledCommands: tls === undefined ? ['STARTTLS'] : [],
    disableReverseLookup: true,
    onAuth(auth, _session, done) {
      if (auth.username === login?.user && auth.password === login?.password) {
        done(null, { user: auth.username });
      } else done(Object.assign(new Error('no such user'), { responseCode: 535 }));
    },
    onMailFrom(_address, _session, done) {
      const status = refuse(tries++);
      if (status === undefined) done();
      else done(Object.assign(new Error('not for secret-of-server'), { responseCode: status }));
    },
    onData(stream, { envelope, secure, user }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push({
          from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
          to: envelope.rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString(),
          isEncrypted: secure === true,
          user: user === undefined ? undefined : String(user),
        });
        done();
      });
    },
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo;
  return { port, mails, tries: () => tries };
}
