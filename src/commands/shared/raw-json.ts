/** The bytes of a record, as JSON. */
import { isUtf8 } from 'node:buffer';

/** Text cannot have bytes that are not UTF-8, so those are given in base64, too. */
export function rawJson(raw: Buffer): { readonly raw: string; readonly rawBase64?: string } {
  const text = { raw: raw.toString('utf8') };
  return isUtf8(raw) ? text : { ...text, rawBase64: raw.toString('base64') };
}
