/** Which format a file has: what the user said counts, else its name, else its first lines. */

import path from 'node:path';
import { EdpError } from '../base/errors.js';
import type { FileSettings, Format } from '../model/file-settings.js';
import type { FileIdentity } from '../source/file-identity.js';
import { looksLikeJsonl } from './jsonl/describe-jsonl.js';
import { readBriefSample, readSample, TOLD } from './text/sample.js';

export interface FormatChoice {
  readonly format: Format;
  readonly why: string;
}

const BY_SUFFIX: Readonly<Record<string, Format>> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.tab': 'csv',
  '.psv': 'csv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

/** Suffixes of packed files, behind the one that tells the format. */
const PACKED = /\.(?:gz|gzip|zst|zstd|bz2|bzip2|zip)$/i;

/**
 * @param name of the file, as the user named it
 * @throws EdpError `io` for a file that cannot be read
 */
export async function chooseFormat(
  file: FileIdentity,
  name: string,
  settings: FileSettings,
): Promise<FormatChoice> {
  if (settings.format !== undefined) return { format: settings.format, why: TOLD };
  const bare = /^https?:/i.test(name) ? name.replace(/[?#].*$/, '') : name;
  const suffix = path.extname(bare.replace(PACKED, '')).toLowerCase();
  const bySuffix = Object.hasOwn(BY_SUFFIX, suffix) ? BY_SUFFIX[suffix] : undefined;
  if (bySuffix !== undefined) return { format: bySuffix, why: `its name ends in ${suffix}` };
  return (await hasJsonLines(file, name, settings))
    ? { format: 'jsonl', why: 'each of its first lines is a JSON object' }
    : { format: 'csv', why: 'its first lines are no JSON objects' };
}

async function hasJsonLines(
  file: FileIdentity,
  name: string,
  settings: FileSettings,
): Promise<boolean> {
  try {
    for (const read of [readBriefSample, readSample]) {
      const sample = await read(file, name, settings.jsonl);
      const answer = looksLikeJsonl(sample);
      if (answer !== undefined) return answer;
      if (sample.parts.isWhole) return false;
    }
    return false;
  } catch (error) {
    // What cannot be unpacked is for those to report who read all of it.
    if (error instanceof EdpError && error.code !== 'io') return false;
    throw error;
  }
}
