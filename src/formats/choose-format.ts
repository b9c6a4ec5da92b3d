/** Which format a file has: what the user said counts, else its name, else its first lines. */

import path from 'node:path';
import { EdpError } from '../base/errors.js';
import {
  type FileSettings,
  type Format,
  settingsFor,
  type TextSettings,
} from '../model/file-settings.js';
import type { FileIdentity } from '../source/file-identity.js';
import { FORMAT_OF_SUFFIX, FORMATS_BY_CONTENT } from './all-formats.js';
import { readBriefSample, readSample, type Sample, TOLD } from './text/sample.js';

export interface FormatChoice {
  readonly format: Format;
  readonly why: string;
}

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
  const bySuffix = FORMAT_OF_SUFFIX.get(suffix);
  if (bySuffix !== undefined) return { format: bySuffix, why: `its name ends in ${suffix}` };
  for (const { name: format, why, isLike } of FORMATS_BY_CONTENT) {
    if (await isOfFormat(file, name, settingsFor(settings, format), isLike)) return { format, why };
  }
  return { format: 'csv', why: 'its first lines are of no other format' };
}

async function isOfFormat(
  file: FileIdentity,
  name: string,
  settings: TextSettings,
  isLike: (sample: Sample) => boolean | undefined,
): Promise<boolean> {
  try {
    for (const read of [readBriefSample, readSample]) {
      const sample = await read(file, name, settings);
      const answer = isLike(sample);
      if (answer !== undefined) return answer;
      if (sample.parts.isWhole) return false;
    }
    return false;
  } catch (error) {
    // What cannot be unpacked is reported by the commands that read all of it.
    if (error instanceof EdpError && error.code !== 'io') return false;
    throw error;
  }
}
