/**
 * A file → what is known of it before its records are read: format, fields, place of the records.
 */
import { type FileSettings, settingsFor } from '../model/file-settings.js';
import type { Table } from '../model/model.js';
import type { FileIdentity } from '../source/file-identity.js';
import { type FileDescription, type FormSummary, formatNamed } from './all-formats.js';
import {
  assertFlagsUsed,
  chooseFormat,
  type FormatChoice,
  listUnusedFlags,
} from './choose-format.js';
import { textHeadOf } from './text/described-text.js';
import { type FileForm, readBriefSample, readSample, type Sample } from './text/sample.js';

export { type FileDescription, listUnusedFlags };

/**
 * @param name for messages
 * @param table what is known of the file's fields; undefined for a file of unknown fields
 * @param settings what the user specified
 * @throws EdpError `not_csv`, `wrong_format`, `io`, `corrupt_file`, and those of the file's source
 */
export async function describeFile(
  file: FileIdentity,
  name: string,
  table: Table | undefined,
  settings: FileSettings,
): Promise<FileDescription> {
  const choice = await chooseFormat(file, name, settings);
  const { format } = choice;
  // Files of a table are of several formats in one run: what is for one does not concern the others.
  if (table === undefined) assertFlagsUsed(settings, choice, name);
  return formatNamed(format).describe(file, name, table, settingsFor(settings, format));
}

/** A file of unknown fields: a sample, its description, and why its format was chosen. */
export interface SampledFile {
  readonly sample: Sample;
  readonly description: FileDescription;
  readonly choice: FormatChoice;
}

/** @throws EdpError as {@link describeFile} does */
export async function sampleFile(
  file: FileIdentity,
  name: string,
  settings: FileSettings,
): Promise<SampledFile> {
  const choice = await chooseFormat(file, name, settings);
  assertFlagsUsed(settings, choice, name);
  const own = settingsFor(settings, choice.format);
  const sample = await readSample(file, name, own);
  const description = formatNamed(choice.format).describeSample(sample, name, own);
  return { sample, choice, description };
}

/**
 * Reads how the text of a file is obtained (compression, encoding), and the first bytes that
 * identify the text.
 *
 * @throws EdpError `io`, `corrupt_file`
 */
export async function readTextHead(
  file: FileIdentity,
  name: string,
  settings: FileSettings,
): Promise<{ readonly form: FileForm; readonly textHead: Buffer | undefined }> {
  const { format } = await chooseFormat(file, name, settings);
  const sample = await readBriefSample(file, name, settingsFor(settings, format));
  return { form: sample.form, textHead: textHeadOf(sample) };
}

/** The form of a file, as `--json` has it. */
export function summarizeForm(description: FileDescription): FormSummary {
  return formatNamed(description.format).summarize(description);
}

/** Describes in words what is unusual in the form of a file; empty for most files. */
export function listOddities(description: FileDescription): string[] {
  return formatNamed(description.format).listOddities(description);
}
