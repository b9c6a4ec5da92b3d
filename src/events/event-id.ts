/** The id of a change event: of the same event always the same, whoever makes it. */
import { createHash } from 'node:crypto';

/** RFC 4122's namespace of URLs. */
const URL_NAMESPACE = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex');
const VERSION_5 = 0x50;
const VARIANT = 0x80;

/** A UUID of version 5 (RFC 4122, 4.3). */
function uuidOf(namespace: Buffer, name: string): Buffer {
  const bytes = createHash('sha1').update(namespace).update(name).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | VERSION_5;
  bytes[8] = (bytes[8]! & 0x3f) | VARIANT;
  return bytes;
}

const NAMESPACE = uuidOf(URL_NAMESPACE, 'edp:change-event');

/**
 * @param sequence without leading zeros
 * @param keyTexts the values of the key as texts, in the order of the key; empty for a truncate
 */
export function eventId(
  source: string,
  table: string,
  sequence: string,
  keyTexts: readonly string[],
): string {
  const hex = uuidOf(NAMESPACE, JSON.stringify([source, table, sequence, keyTexts])).toString(
    'hex',
  );
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
