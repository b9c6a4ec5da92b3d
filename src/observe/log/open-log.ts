/** `--log` and `--log-file`: the log of a command. */
import { listen } from '../../base/happenings.js';
import { resolveOptions } from '../../options/resolve-options.js';
import type { Observer, ObserverContext } from '../observer.js';
import { LogBook } from './log-book.js';
import { LogFile } from './log-file.js';
import { formatLogLine } from './log-line.js';

/** @throws EdpError `usage` for a file that cannot be opened */
export function openLog(context: ObserverContext): Observer | undefined {
  const { log, logFile, verbose } = resolveOptions(
    ['log', 'log-file', 'verbose'],
    context.given,
    context.project.options,
  );
  if (log === 'text' && logFile === undefined) return undefined;
  const file = logFile === undefined ? undefined : new LogFile(logFile, context.warn);
  if (file === undefined) context.yieldStderr();
  const book = new LogBook();
  const stop = listen((happening) => {
    for (const line of book.linesOf(happening)) {
      if (line.level === 'debug' && !verbose) continue;
      const text = formatLogLine(line, log);
      if (file === undefined) process.stderr.write(text);
      else file.write(text);
    }
  });
  return {
    // The others may have something to say when they close.
    closesLast: true,
    async close() {
      stop();
      file?.close();
    },
  };
}
