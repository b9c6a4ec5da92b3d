/** Who listens to a command: opened before it begins, closed when it has ended. */
import { environmentName, flagOf, type OptionName } from '../options/option-definitions.js';
import { openMetrics } from './metrics/open-metrics.js';
import type { Observer, ObserverContext } from './observer.js';

/** Opens one observer, or says with undefined that nobody asked for it. @throws EdpError `usage` */
type Opener = (context: ObserverContext) => Promise<Observer | undefined>;

const openLog: Opener = async (context) =>
  isAsked(context, ['log', 'log-file'])
    ? (await import('./log/open-log.js')).openLog(context)
    : undefined;

const openNotices: Opener = async (context) => {
  const { notify = [] } = context.project;
  if (notify.length === 0) return undefined;
  return (await import('./notices/open-notices.js')).openNotices(context, notify);
};

const openSentry: Opener = async (context) =>
  isAsked(context, ['sentry-dsn'])
    ? (await import('./sentry/open-sentry.js')).openSentry(context)
    : undefined;

/** Each loads its libraries only where it is asked for. The log hears what is said of the others. */
const OPENERS: readonly Opener[] = [openLog, openMetrics, openSentry, openNotices];

function isAsked({ given, project }: ObserverContext, options: readonly OptionName[]): boolean {
  return options.some(
    (name) =>
      given[flagOf(name)] !== undefined ||
      (process.env[environmentName(name)] ?? '') !== '' ||
      project.options[name] !== undefined,
  );
}

/** @param isLogAlone for a command that ends before it knows its project @throws EdpError `usage` */
export async function openObservers(
  context: ObserverContext,
  isLogAlone = false,
): Promise<readonly Observer[]> {
  const openers = isLogAlone ? [openLog] : OPENERS;
  const opened = await Promise.all(openers.map((open) => open(context)));
  return opened.filter((observer) => observer !== undefined);
}

/** Closes them side by side. */
export async function closeObservers(observers: readonly Observer[]): Promise<void> {
  const close = (observer: Observer) => observer.close().catch(() => {});
  await Promise.all(observers.filter(({ closesLast }) => closesLast !== true).map(close));
  await Promise.all(observers.filter(({ closesLast }) => closesLast === true).map(close));
}
