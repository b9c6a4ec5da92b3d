/**
 * Texts that may leave the machine, or stand in a log for years: without a value of a record, and without a
 * secret. Messages of errors quote values (`invalid input syntax for type integer: "…"`), so nothing here is
 * made of one: the words are those of docs/codes.md.
 */
import { ERROR_CODES } from '../base/error-codes.js';
import { EdpError } from '../base/errors.js';
import { safeText } from '../base/safe-text.js';

const CODE = /^\w{1,64}$/;
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/;
/** Names that a header could have; what is no name of a column may be a value in the place of one. */
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
const MAX_NAME_LENGTH = 300;

/** A code, or `internal` for what is none. */
export function harmlessCode(code: string): string {
  return CODE.test(code) ? code : 'internal';
}

/** What an error means, by its code, and where it happened if that is known. */
export function describeFailure(code: string, error: unknown): string {
  const places = placesOf(error).map(harmlessName);
  return `${meaningOf(code, error)}${places.length === 0 ? '' : ` (${places.join(', ')})`}`;
}

/** Of several faults of edp.yaml, each line begins with its place. */
const PLACES = /^ {2}([\w./-]+:\d+): /gm;
const MAX_PLACES = 5;

function placesOf(error: unknown): readonly string[] {
  if (!(error instanceof EdpError)) return [];
  if (error.place !== undefined) return [error.place];
  if (error.code !== 'config') return [];
  return [...error.message.matchAll(PLACES)].slice(0, MAX_PLACES).map(([, place]) => place!);
}

export function meaningOf(code: string, error: unknown): string {
  if (Object.hasOwn(ERROR_CODES, code)) {
    return ERROR_CODES[code as keyof typeof ERROR_CODES].meaning.replaceAll('`', '');
  }
  if (SQLSTATE.test(code)) return `The server refused a statement (SQLSTATE ${code}).`;
  if (code !== 'internal' && CODE.test(code)) return `The system reported ${code}.`;
  return `An error inside edp (${kindOf(error)}).`;
}

/** Class of an error. */
export function kindOf(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  return PLAIN_NAME.test(name) ? name : 'Error';
}

/** The name of a file, a table, a task: a URL without what may sign it. */
export function harmlessName(name: string): string {
  const bare = name.replace(
    /\b([a-z][a-z0-9+.-]*:\/\/)(?:[^/?#\s]*@)?([^?#\s]*)([?#]\S*)?/gi,
    '$1$2',
  );
  return safeText(bare.length > MAX_NAME_LENGTH ? `…${bare.slice(-MAX_NAME_LENGTH)}` : bare);
}

/** Columns, by name where they look like names; others are counted. */
export function harmlessColumns(names: readonly string[]): {
  readonly names: readonly string[];
  readonly others: number;
} {
  const plain = names.filter((name) => PLAIN_NAME.test(name)).map(safeText);
  return { names: plain, others: names.length - plain.length };
}

/** As `a, b and 2 others`. */
export function listColumns(columns: readonly string[]): string {
  const { names, others } = harmlessColumns(columns);
  const rest = others === 0 ? [] : [`${others} whose names are not shown`];
  return [...names, ...rest].join(', ');
}
