/** What the server refuses while it checks rows → an error that names the checks. */
import { EdpError } from '../../base/errors.js';
import type { Check } from '../../model/warehouse/task.js';

/** Classes of errors that the statement brings about; others are of the connection or of other sessions. */
const OF_STATEMENT = /^(2[0-9A-Z]|3[0-9A-Z]|4[24]|P0|XX)[0-9A-Z]{3}$/;

/** Whether the statement is to blame, by the SQLSTATE. */
export function isOfStatement(code: string | undefined): code is string {
  return code !== undefined && OF_STATEMENT.test(code);
}

/** @throws EdpError `task_failed` */
export async function naming<T>(
  place: string,
  checks: readonly Check[],
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (error instanceof EdpError || !isOfStatement(code)) throw error;
    const names = checks.map(({ name }) => name).join(', ');
    const what = checks.length === 1 ? 'the check' : 'one of the checks';
    throw new EdpError('task_failed', `${what} ${names} cannot be evaluated: ${message}`, {
      place,
      hint:
        checks.map(describeRemedy).find((text) => text !== undefined) ??
        'correct its where or its values',
      cause: error,
    });
  }
}

function describeRemedy(check: Check): string | undefined {
  if (check.kind === 'sql') return `correct ${check.file}`;
  return check.kind === 'matches' ? 'correct its pattern, or its where' : undefined;
}
