/** What an event says of its key in several places must be one key. */
import { isObject } from '../../base/is-object.js';
import { canonicalKeyText, keyTextOf, subjectOf } from '../../events/event-key.js';
import { Fault } from '../../model/reject-codes.js';
import { encodeBytes, show } from '../../values/coerce.js';
import type { CatalogTable } from './event-catalog.js';
import { toEventValue } from './event-values.js';
import type { RawChange } from './raw-change.js';

type Attributes = Readonly<Record<string, unknown>>;

interface KeyedData {
  readonly key?: Attributes;
  readonly after?: Attributes;
  readonly before?: Attributes;
}

/** The subject that an event with this key has; the key may be no object yet. */
export function spelledSubject(key: unknown, { declared }: CatalogTable): string | undefined {
  if (!isObject(key)) return undefined;
  return subjectOf(declared.key.map((name) => keyTextOf(key[name])));
}

/** The fault of a subject that is another key, however it is spelled. */
export function findOtherSubject(
  { subject, op, table }: RawChange,
  spelled: string | undefined,
  texts: readonly string[],
): Fault | undefined {
  if (subject === undefined || subject === spelled) return undefined;
  if (op === 'truncate') return new Fault('bad_schema', 'a truncate has no subject');
  const parts = readSubject(subject, texts.length);
  const isSame = parts?.every((part, i) => {
    const type = table.keyTypes[i]!;
    return canonicalKeyText(type, toEventValue(type, encodeBytes(part))) === texts[i];
  });
  if (isSame === true) return undefined;
  return new Fault(
    'bad_schema',
    `the subject ${show(encodeBytes(subject))} is not the key ${show(encodeBytes(subjectOf(texts)))}`,
  );
}

/** @returns undefined where it is not of so many texts */
function readSubject(subject: string, count: number): string[] | undefined {
  if (count === 1) return [subject];
  try {
    const parts: unknown = JSON.parse(subject);
    return Array.isArray(parts) && parts.length === count ? parts.map(keyTextOf) : undefined;
  } catch {
    return undefined;
  }
}

/** The fault of attributes that have another value for a column of the key than the key itself. */
export function findOtherKey(
  data: KeyedData,
  part: 'after' | 'before',
  texts: readonly string[],
  { declared, keyTypes }: CatalogTable,
): Fault | undefined {
  const { key, [part]: attributes } = data;
  if (attributes === undefined || key === undefined) return undefined;
  for (const [i, name] of declared.key.entries()) {
    if (!Object.hasOwn(attributes, name) || attributes[name] === key[name]) continue;
    if (canonicalKeyText(keyTypes[i]!, attributes[name]) === texts[i]) continue;
    return new Fault('bad_schema', `${part} has another value than the key`, name);
  }
  return undefined;
}
