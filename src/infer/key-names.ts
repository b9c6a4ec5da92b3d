/**
 * Names of fields → how likely the field identifies the records of a table. Values that differ are no evidence by
 * themselves: in a small file those of a price differ, too, and those of a reference such as `user_id`.
 */
import { toIdentifier } from './inferred-names.js';

/** The most certain first. */
const GENERIC = ['id', 'uuid', 'guid', 'ulid', 'pk', 'key', 'identifier', 'rowid'];

/** The last word of a name such as `order_id`, `orderNumber` or `Invoice No`. */
const SUFFIXES = new Set([
  ...['id', 'uuid', 'guid', 'ulid', 'pk', 'key', 'identifier'],
  ...['no', 'nr', 'num', 'number', 'ref', 'reference'],
]);
/** Of these, the ones that stand for nothing but an identifier, whatever they are of. */
const SURE_SUFFIXES = new Set(['id', 'uuid', 'guid', 'ulid', 'identifier']);

/** What happens or is written once: its number identifies the record about it. */
const OCCURRENCES = new Set([
  ...['event', 'record', 'row', 'entry', 'message', 'log', 'transaction', 'txn', 'trx', 'tx'],
  ...['order', 'invoice', 'payment', 'receipt', 'purchase', 'sale', 'refund', 'transfer', 'bill'],
  ...['ticket', 'case', 'claim', 'complaint', 'incident', 'issue', 'request', 'response', 'job'],
  ...['booking', 'reservation', 'shipment', 'delivery', 'trip', 'ride', 'visit', 'call', 'click'],
  ...['post', 'tweet', 'comment', 'review', 'submission', 'application', 'report', 'document'],
]);

/** Numbers of kinds of goods and things, each a word of its own. */
const CODES = new Set(['sku', 'ean', 'gtin', 'upc', 'isbn', 'asin', 'imei', 'iban', 'vin', 'code']);

/** A table of parts of such a thing has its number several times, once in each part. */
const PARTS = /(?:^|_)(?:lines?|items?|details?|positions?|parts?|steps?|history|changes?)$/;

export type KeyName =
  /** `id`, `uuid`. */
  | 'generic'
  /** `order_id` in `orders`. */
  | 'own'
  /** `transaction_id`, `orderNumber` in any table. */
  | 'occurrence'
  /** `sku`; a record may be about it, or refer to it. */
  | 'code'
  /** `film_id` in another table than `films`; likewise. */
  | 'thing';

const RANKS: Readonly<Record<KeyName, number>> = {
  generic: 10,
  own: 4,
  occurrence: 3,
  code: 2,
  thing: 1,
};

/** @returns undefined for a name that is no identifier's */
export function classifyKeyName(field: string, table: string): KeyName | undefined {
  const name = toIdentifier(field, '').replace(/^_+/, '');
  if (GENERIC.includes(name)) return 'generic';
  const words = splitWords(name, table);
  const last = words.at(-1)!;
  if (words.length === 1) return CODES.has(last) ? 'code' : undefined;
  const subject = words.slice(0, -1).join('_');
  if (SUFFIXES.has(last) && isOwn(subject, table)) return 'own';
  if (SUFFIXES.has(last) && OCCURRENCES.has(words.at(-2)!) && !PARTS.test(table)) {
    return 'occurrence';
  }
  if (SURE_SUFFIXES.has(last)) return 'thing';
  return CODES.has(last) && last !== 'code' ? 'code' : undefined;
}

/** `orderid` is written without a sign between its words. */
function splitWords(name: string, table: string): string[] {
  const words = name.split('_');
  const [, subject] = /^(.+)(?:uuid|guid|id)$/.exec(name) ?? [];
  if (words.length > 1 || subject === undefined) return words;
  const isSubject = OCCURRENCES.has(subject) || isOwn(subject, table);
  return isSubject ? [subject, name.slice(subject.length)] : words;
}

/** Whether a table is named after the subject: `orders`, `web_orders`, `order_list`. */
function isOwn(subject: string, table: string): boolean {
  const singular = toSingular(table);
  return (
    subject === table ||
    subject === singular ||
    singular.endsWith(`_${subject}`) ||
    new RegExp(`^${subject}s?_(?:list|data|export|table|all|master)$`).test(table)
  );
}

function toSingular(name: string): string {
  if (/ies$/.test(name)) return name.replace(/ies$/, 'y');
  return /(?:x|ch|sh|ss)es$/.test(name) ? name.slice(0, -2) : name.replace(/s$/, '');
}

/** How likely a field with this name is a key; 0 for not at all. */
export function rankKeyName(field: string, table: string): number {
  const kind = classifyKeyName(field, table);
  if (kind === undefined) return 0;
  const place = GENERIC.indexOf(toIdentifier(field, '').replace(/^_+/, ''));
  return RANKS[kind] - (kind === 'generic' ? place / GENERIC.length : 0);
}

/** What decides about a key, of a column. */
interface KeyColumn {
  readonly field: string;
  readonly isTime: boolean;
}

/**
 * Whether the records of the file are about what a field identifies. A code or the number of a thing may be a
 * reference: then another identifier or a time stands before it, since a record is about that. The number of a thing
 * is also one where any column is a time: the thing has a record for each time. (Its values must count up, too:
 * choose-key.ts.)
 *
 * @param columns all columns, in the order of the file
 */
export function mayBeKey(field: string, columns: readonly KeyColumn[], table: string): boolean {
  const kind = classifyKeyName(field, table);
  if (kind !== 'code' && kind !== 'thing') return kind !== undefined;
  if (PARTS.test(table)) return false;
  if (kind === 'thing' && columns.some(({ isTime }) => isTime)) return false;
  const before = columns.slice(
    0,
    columns.findIndex((column) => column.field === field),
  );
  return before.every(
    (column) => !column.isTime && classifyKeyName(column.field, table) === undefined,
  );
}
