/** What to do where the source of `capture:` does not answer, or refuses: it has other remedies than the warehouse. */
import { EdpError, FailedRun } from '../base/errors.js';

export const SOURCE_REMEDY =
  'check capture: source: database-url of edp.yaml, with the variables of the environment that it names, and that the source is up';

/** An error of a command about the source; those of the warehouse are explained before they come here. */
export function explainSource(error: unknown): unknown {
  if (error instanceof FailedRun) return new FailedRun(explainSource(error.cause), error.result);
  if (error instanceof EdpError || (error as { code?: string }).code !== '42501') return error;
  const isHidden = /row-level security/.test((error as Error).message);
  return new EdpError(
    'database_refused',
    `the role lacks a privilege in the source: ${(error as Error).message}`,
    {
      hint: isHidden
        ? 'rows that it does not see would count as gone: ALTER ROLE … BYPASSRLS'
        : 'docs/capture.md, Roles, has the grants for who installs, runs, asks and reads; after an uninstall they are to be given again',
      cause: error,
    },
  );
}
