/** The database of a command that only reads: the one of the project, or with `--from-replica` a standby of it. */

import { retry } from '../../base/retry.js';
import type { OptionValues } from '../../options/option-definitions.js';
import { type Database, withDatabase } from '../../postgres/database.js';
import type { Output } from '../../terminal/output.js';

type Options = OptionValues<'database-url' | 'from-replica' | 'replica-url' | 'replica-wait'> & {
  readonly directory: string;
};

/** Tries after the first one: about ten seconds, in which a standby starts again. */
const RETRIES = 7;

/**
 * @param work is run again where the standby cancels it, or goes away
 * @param mayRunAgain false as soon as a part of the result has gone where it cannot be taken back
 */
export async function withReadDatabase<T>(
  options: Options,
  output: Output,
  signal: AbortSignal,
  work: (database: Database) => Promise<T>,
  mayRunAgain: () => boolean = () => true,
): Promise<T> {
  if (!options.fromReplica) return withDatabase(options, work);
  const { isStandbyConflict, withReplica } = await import('../../postgres/replica.js');
  const warn = (text: string) => output.warn(text);
  let tries = 0;
  let isReading = false;
  const read = async (database: Database): Promise<T> => {
    isReading = true;
    return work(database);
  };
  return retry(
    () => {
      isReading = false;
      return withReplica(options, signal, warn, read, tries++ > 0);
    },
    (error) => {
      const isAgain = isReading && !signal.aborted && mayRunAgain() && isStandbyConflict(error);
      if (isAgain) output.note(`the standby ended the read, it is tried again: ${error.message}`);
      return isAgain;
    },
    { retries: RETRIES },
  );
}
