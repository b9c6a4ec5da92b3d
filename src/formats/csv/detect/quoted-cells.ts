/** Which fields of records have quotes around them. */
import type { Dialect } from '../dialect.js';
import { type FieldTexts, findClosing } from '../scan/read-fields.js';
import type { SampledRecord } from './sampled-records.js';

/** @returns for each field of a record without fault, whether it has quotes */
export function listQuoted({ raw, fields }: SampledRecord, dialect: Dialect): boolean[] {
  const { quote, delimiter } = dialect;
  const count = (fields as FieldTexts).length;
  const quoted: boolean[] = [];
  for (let at = 0; quoted.length < count; ) {
    let from = at;
    while (raw[from] === ' ' && !raw.startsWith(delimiter, from)) from++;
    const isQuoted = quote !== '' && raw[from] === quote;
    quoted.push(isQuoted);
    if (isQuoted) {
      const closing = findClosing(raw, from + 1, quote, dialect.escape === 'backslash');
      if (closing >= 0) at = closing + 1;
    }
    const end = raw.indexOf(delimiter, at);
    if (end < 0) break;
    at = end + delimiter.length;
  }
  return quoted;
}
