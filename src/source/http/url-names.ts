/** A URL → its text for messages, and the name of its file. */

const MASK = '***';

/** Last word of the names of parameters that are signatures or passwords. */
const SECRET_PARAMETER =
  /(?:^|[-_.])(?:sig|signature|sign|token|secret|password|passwd|pwd|auth|authorization|jwt|credential|credentials|api-?key|access-?key|access-?key-?id|key)$/i;

/** The URL without user and password, with `***` for the values of secret parameters. */
export function shownUrl(url: URL | string): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.hash = '';
  shown.search = shown.search.replace(/([?&])([^=&]*)=([^&]*)/g, (whole, before, name, value) =>
    value !== '' && isSecret(name) ? `${before}${name}=${MASK}` : whole,
  );
  return shown.href;
}

function isSecret(parameter: string): boolean {
  return SECRET_PARAMETER.test(decode(parameter).replace(/([a-z])([A-Z])/g, '$1-$2'));
}

/** Whether a part of a shown URL is masked, so that the original URL cannot be restored. */
export function isMasked(shown: string): boolean {
  return shown.includes(`=${MASK}`);
}

/** The decoded path of a URL. */
export function pathOf(url: URL): string {
  return decode(url.pathname);
}

/** Decodes %XX in a part of a URL; returns the part unchanged if it is invalid. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
