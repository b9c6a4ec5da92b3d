/** Classifies the text of fields. The kinds distinguish dialects, and headers from data. */

export type CellKind =
  | 'empty'
  | 'number'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'boolean'
  | 'uuid'
  | 'json'
  | 'address'
  | 'null'
  | 'word'
  | 'text'
  | 'odd';

/** Of a longer text, only the first characters are classified. */
const MAX_LOOKED_AT = 200;

const NUMBER = /^[-+]?[$€£]?(?:\d+(?:[.,]\d+)*|[.,]\d+)(?:[eE][-+]?\d+)?(?: ?[%$])?$/;
const DATE =
  /^(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2\d{2,4}|\d{1,2}[- ][A-Za-z]{3,9}\.?[- ]\d{2,4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4})$/;
const TIME = /^\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?$/;
const TIMESTAMP =
  /^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[T ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?(?: ?(?:Z|UTC|[-+]\d{2}(?::?\d{2})?))?$/;
const BOOLEAN = /^(?:true|false|yes|no)$/i;
const UUID = /^\{?[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\}?$/i;
const ADDRESS =
  /^(?:(?:https?|ftp|s3|file):\/\/\S+|[\w.+-]+@[\w-]+\.[\w.-]+|\d{1,3}(?:\.\d{1,3}){3}|(?:\/[\w.-]+)+\/?|(?:[\w-]+\.)+[a-z]{2,6})$/i;
const NULL_WORD = /^(?:null|na|n\/a|nan|none|nil|\\N|#N\/A|-|\?)$/i;
/** Bytes from 0x80 on are letters here: fields are byte strings. */
const WORD = /^[A-Za-z0-9_\x80-\xff]+(?:[-_.][A-Za-z0-9\x80-\xff]+)*$/;
const TEXT = /^(?:[A-Za-z0-9\x80-\xff(]|[+-]\d)[\w \x80-\xff.,;:'’&()/+%#!?-]*$/;

export function kindOf(cell: string | null): CellKind {
  if (cell === null || cell === '') return 'empty';
  const text = cell.length > MAX_LOOKED_AT ? cell.slice(0, MAX_LOOKED_AT) : cell;
  const first = text.charCodeAt(0);
  if (first === 0x7b || first === 0x5b) {
    const last = cell.charCodeAt(cell.length - 1);
    if ((first === 0x7b && last === 0x7d) || (first === 0x5b && last === 0x5d)) return 'json';
    return 'odd';
  }
  // Days such as 31.01.2020 look like numbers with points.
  if (NUMBER.test(text)) return DATE.test(text) ? 'date' : 'number';
  if (NULL_WORD.test(text)) return 'null';
  if (BOOLEAN.test(text)) return 'boolean';
  if (DATE.test(text)) return 'date';
  if (TIME.test(text)) return 'time';
  if (TIMESTAMP.test(text)) return 'timestamp';
  if (UUID.test(text)) return 'uuid';
  if (WORD.test(text)) return 'word';
  if (ADDRESS.test(text)) return 'address';
  if (TEXT.test(text)) return 'text';
  return 'odd';
}

/** Whether a name in a header is unlikely to be of this kind. */
export function isTyped(kind: CellKind): boolean {
  switch (kind) {
    case 'number':
    case 'date':
    case 'time':
    case 'timestamp':
    case 'boolean':
    case 'uuid':
    case 'json':
    case 'address':
      return true;
    default:
      return false;
  }
}

/** How much a cell that is not empty looks like a value, from 0 to 1. */
export function likeness(cell: string, kind: CellKind, isQuoted: boolean): number {
  switch (kind) {
    case 'odd':
      return isQuoted ? 0.8 : 0.2;
    case 'text': {
      if (isQuoted) return 1;
      // Punctuation that separates fields in other files may do so in this one.
      return /[,;|\t]/.test(cell) || cell.endsWith(' ') ? 0.7 : 0.9;
    }
    default:
      return 1;
  }
}
