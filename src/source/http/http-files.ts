/** Files of HTTP servers, each named by its URL. */
import { EdpError } from '../../base/errors.js';
import { type HttpIdentity, isSameVersion } from '../file-identity.js';
import type { InputFile, Source } from '../source.js';
import { download } from './download.js';
import { HttpFile } from './http-file.js';
import { FIRST_TRIES, withRetries } from './http-retry.js';
import { identifyUrl, probeUrl } from './probe-url.js';
import { pathOf, shownUrl } from './url-names.js';

/** These bytes usually suffice to identify a file: many files are not longer. */
const HEAD_BYTES = 64 * 1024;
/** First bytes of the recently identified files, which are described next. */
const MAX_HEADS = 64;
const heads = new Map<string, { readonly version: HttpIdentity; readonly head: Buffer }>();

export const httpFiles: Source = {
  async list(name) {
    const url = parse(name);
    const shown = shownUrl(url);
    try {
      const { size, obstacle } = await withRetries(shown, FIRST_TRIES, () => probeUrl(url.href, 1));
      const remote = { url: url.href, size, mustBeCopied: obstacle };
      return [{ name: shown, path: pathOf(url), remote }];
    } catch (error) {
      if (error instanceof EdpError && error.code === 'no_such_file') return [];
      throw error;
    }
  },

  async version({ name, remote }) {
    const { url } = remote!;
    const identified = await identifyUrl(url, name, HEAD_BYTES);
    heads.delete(url);
    heads.set(url, identified);
    if (heads.size > MAX_HEADS) heads.delete(heads.keys().next().value!);
    return identified.version;
  },

  async open(identity: HttpIdentity) {
    const known = heads.get(identity.url);
    const isKnown = known !== undefined && isSameVersion(known.version, identity);
    return new HttpFile(identity, isKnown ? known.head : undefined);
  },

  readOnce(file: InputFile, take) {
    return download(file, take);
  },
};

/** @throws EdpError `usage` */
function parse(name: string): URL {
  if (!URL.canParse(name)) {
    throw new EdpError('usage', 'a URL among the files cannot be read', {
      hint: 'write it as https://host/path/file.csv, with %XX for characters that are not allowed in it',
    });
  }
  const url = new URL(name);
  url.hash = '';
  if (/[*[\]{}]/.test(name.replace(/^[^/]*\/\/[^/?#]*/, '').replace(/[?#].*$/s, ''))) {
    throw new EdpError('usage', `${shownUrl(url)}: there are no patterns for files on a server`, {
      hint: 'an HTTP server does not list its files: name each of them, separated by commas; write %2A for * in a name',
    });
  }
  return url;
}
