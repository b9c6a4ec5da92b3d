/** A URL → what is shown of it, and what its file is called. */

const MASK = '***';

/** Names of parameters that sign a request or stand for a password; the last word of them. */
const SECRET_PARAMETER =
  /(?:^|[-_.])(?:sig|signature|sign|token|secret|password|passwd|pwd|auth|authorization|jwt|credential|credentials|api-?key|access-?key|key)$/i;

/** Without user and password, and with `***` for the values of parameters that are secret. */
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

/** Whether something of a shown URL is masked, so that the URL itself cannot be had from it. */
export function isMasked(shown: string): boolean {
  return shown.includes(`=${MASK}`);
}

/** The path in a URL as people write it. */
export function pathOf(url: URL): string {
  return decode(url.pathname);
}

/** What the %XX of a part of a URL stand for; as it is where they stand for nothing. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
