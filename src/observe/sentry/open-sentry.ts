/** `sentry-dsn`: errors that end a command, reported by the protocol of Sentry when the command has ended. */
import { EdpError, EXIT } from '../../base/errors.js';
import { type Happening, listen } from '../../base/happenings.js';
import { resolveOptions } from '../../options/resolve-options.js';
import type { Observer, ObserverContext } from '../observer.js';
import type { ReportedError } from './sentry-event.js';

/** @throws EdpError `usage` */
export function openSentry({
  command,
  given,
  project,
  warn,
}: ObserverContext): Observer | undefined {
  const { sentryDsn } = resolveOptions(['sentry-dsn'], given, project.options);
  if (sentryDsn === undefined) return undefined;
  const dsn = readDsn(sentryDsn);
  const errors: ReportedError[] = [];
  let runId: number | undefined;
  const stop = listen((happening) => {
    if (happening.kind === 'run_began') runId = happening.runId;
    if (happening.kind === 'failed' && isReported(happening)) {
      const { code, error, loadId } = happening;
      errors.push({ code, error, loadId, runId, command });
    }
  });
  return {
    async close() {
      stop();
      if (errors.length === 0) return;
      const { reportErrors } = await import('./report-errors.js');
      const fault = await reportErrors(dsn, errors);
      if (fault === undefined) return;
      warn(`the error was not reported to Sentry at ${dsn.hostname}: ${fault}`);
    },
  };
}

/** What the user has to correct is no error of the program. */
function isReported({ code, error }: Extract<Happening, { kind: 'failed' }>): boolean {
  if (code === 'interrupted') return false;
  return !(error instanceof EdpError && error.exitStatus === EXIT.usage);
}

/** Its key is a secret of a kind, so no message quotes it. */
function readDsn(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isDsn =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    /^\w+$/.test(url.username) &&
    /\/\d+$/.test(url.pathname);
  if (isDsn) return url;
  throw new EdpError('usage', 'sentry-dsn is no DSN of Sentry', {
    hint: 'it looks like https://KEY@HOST/NUMBER; the settings of the project in Sentry show it',
  });
}
