/** Errors of the server that say how it is set up, with what to do about them. */
import { EdpError } from '../base/errors.js';

const SEARCH_PATH_HINT =
  'give the role a schema to work in: ALTER ROLE … SET search_path = public, and GRANT USAGE, CREATE ON SCHEMA public';
/** Objects of the ledger in messages of the server. */
const OF_LEDGER = /["\s]edp\./;
const BROKEN_LEDGER = {
  what: 'the ledger is incomplete',
  hint: 'edp doctor finds what schema edp lacks, and prints what mends it',
};
const CANCELLED_HINT =
  'run the same command again: it goes on where it stopped. edp sets no time limit, so a person or a program on the server has cancelled the statement; if it does so by time, lower --read-batch-size';

/** By SQLSTATE: what it means for edp, and the remedy. */
const EXPLANATIONS: Readonly<Record<string, { readonly what: string; readonly hint: string }>> = {
  // read_only_sql_transaction
  '25006': {
    what: 'this role or database can only be read',
    hint: 'use another role, or ALTER ROLE … (or DATABASE …) RESET default_transaction_read_only; a standby takes no writes: connect to its primary',
  },
  // insufficient_privilege
  '42501': {
    what: 'this role lacks a privilege',
    hint: 'let the owner grant it; edp doctor prints the statements for your tables. The ledger needs: GRANT USAGE ON SCHEMA edp TO …; GRANT SELECT ON edp.migrations, edp.promotions, edp.inferred_members TO …; GRANT SELECT, INSERT, UPDATE ON edp.loads, edp.runs TO …; GRANT SELECT, INSERT ON edp.receipts, edp.rejects, edp.changes TO …; temporary tables need GRANT TEMPORARY ON DATABASE … TO …; docs/security.md has what tables need',
  },
  // invalid_schema_name: nothing in search_path exists
  '3F000': { what: 'there is no schema to work in', hint: SEARCH_PATH_HINT },
  // untranslatable_character
  '22P05': {
    what: 'a name has a character that the encoding of this database does not have',
    hint: 'use a database in UTF-8, or name the table, the column or the metric in characters that it has',
  },
  // query_canceled
  '57014': { what: 'the server stopped a statement', hint: CANCELLED_HINT },
  // idle_in_transaction_session_timeout, transaction_timeout, idle_session_timeout
  '25P03': { what: 'the server ended the session', hint: CANCELLED_HINT },
  '25P04': { what: 'the server ended the transaction', hint: CANCELLED_HINT },
  '57P05': { what: 'the server ended the session', hint: CANCELLED_HINT },
};

/** @returns the error itself where it says enough */
export function explainServerError(error: unknown): unknown {
  if (error instanceof EdpError) return error;
  const { code = '', message } = (error ?? {}) as { code?: string; message?: string };
  const explanation = findExplanation(code, message);
  if (explanation === undefined) return error;
  return new EdpError('database_refused', `${explanation.what}: ${message} (${code})`, {
    hint: explanation.hint,
    cause: error,
  });
}

function findExplanation(code: string, message = '') {
  if (Object.hasOwn(EXPLANATIONS, code)) return EXPLANATIONS[code];
  // undefined_table, undefined_column, undefined_function
  const isMissing = ['42P01', '42703', '42883'].includes(code);
  return isMissing && OF_LEDGER.test(message) ? BROKEN_LEDGER : undefined;
}
