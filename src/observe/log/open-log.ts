/** `--log` and `--log-file`: the log of a command. */
import { listen, tell } from '../../base/happenings.js';
import { resolveOptions } from '../../options/resolve-options.js';
import { harmlessCode, kindOf } from '../harmless.js';
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
  if (file === undefined) {
    context.yieldStderr();
    takeWarnings();
  }
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

/** Node writes its warnings to stderr, where now all is JSON. They may quote anything, so only their kind is a line. */
function takeWarnings(): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning: NodeJS.ErrnoException) => {
    const kind = [
      kindOf(warning),
      ...(warning.code === undefined ? [] : [harmlessCode(warning.code)]),
    ];
    const text = `Node.js has a warning (${kind.join(' ')}); without --log json it is shown`;
    tell({ kind: 'said', level: 'warn', text, isPlain: true });
  });
  // Those of threads, which begin with a copy of the environment.
  process.env.NODE_NO_WARNINGS = '1';
}
