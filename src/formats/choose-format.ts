/**
 * Chooses the format of a file: what the user specified, else by its name, else by its first lines.
 */

import path from 'node:path';
import { EdpError } from '../base/errors.js';
import {
  type FileSettings,
  type Format,
  settingsFor,
  type TextSettings,
} from '../model/file-settings.js';
import type { FileIdentity } from '../source/file-identity.js';
import { FORMAT_OF_SUFFIX, formatsByContent } from './all-formats.js';
import {
  isFullSample,
  readBriefSample,
  readSample,
  type Sample,
  SPECIFIED,
} from './text/sample.js';

export interface FormatChoice {
  readonly format: Format;
  readonly why: string;
}

/** Suffixes of packed files; they follow the one that names the format. */
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
  if (settings.format !== undefined) return { format: settings.format, why: SPECIFIED };
  if (settings.hasEvents === true) return chooseEventFormat(file, name, settings);
  const bare = /^https?:/i.test(name) ? name.replace(/[?#].*$/, '') : name;
  const suffix = path.extname(bare.replace(PACKED, '')).toLowerCase();
  const bySuffix = FORMAT_OF_SUFFIX.get(suffix);
  if (bySuffix !== undefined) return { format: bySuffix, why: `its name ends in ${suffix}` };
  for (const { name: format, why, isLike } of formatsByContent(false)) {
    if (await isOfFormat(file, name, settingsFor(settings, format), isLike)) return { format, why };
  }
  return { format: 'csv', why: 'its first lines are of no other format' };
}

async function chooseEventFormat(
  file: FileIdentity,
  name: string,
  settings: FileSettings,
): Promise<FormatChoice> {
  for (const { name: format, why, isLike } of formatsByContent(true)) {
    if (await isOfFormat(file, name, settingsFor(settings, format), isLike)) return { format, why };
  }
  return { format: 'cloudevents', why: 'its first line is of no other format' };
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
      if (isFullSample(sample)) return false;
    }
    return false;
  } catch (error) {
    // A file that cannot be unpacked is reported when all of it is read.
    if (error instanceof EdpError && error.code !== 'io') return false;
    throw error;
  }
}

/** Flags of the command line that a file of that format does not use. */
export function listUnusedFlags(
  { csvFlags = [] }: FileSettings,
  format: Format,
): readonly string[] {
  return format === 'csv' ? [] : csvFlags;
}

/** @throws EdpError `wrong_format` for a flag that a file of that format does not use */
export function assertFlagsUsed(
  settings: FileSettings,
  { format, why }: FormatChoice,
  name: string,
): void {
  const unused = listUnusedFlags(settings, format);
  if (unused.length === 0) return;
  const isOne = unused.length === 1;
  throw new EdpError(
    'wrong_format',
    `${name}: ${unused.join(', ')} ${isOne ? 'is' : 'are'} for CSV, and this file is ${format}: ${why}`,
    { hint: `omit ${isOne ? 'the option' : 'the options'}, or read it as CSV with --format csv` },
  );
}
