/** A file → what is known of it before its records are read: its format, its fields, where its records are. */

import type { FileSettings } from '../model/file-settings.js';
import type { Table } from '../model/model.js';
import type { FileIdentity } from '../source/file-identity.js';
import { chooseFormat, type FormatChoice } from './choose-format.js';
import {
  type CsvDescription,
  describeCsv,
  describeCsvSample,
  listCsvOddities,
  summarizeCsv,
} from './csv/describe-csv.js';
import {
  describeJsonl,
  describeJsonlSample,
  type JsonlDescription,
  listJsonlOddities,
  summarizeJsonl,
} from './jsonl/describe-jsonl.js';
import { textHeadOf } from './text/described-text.js';
import { type FileForm, readSample, type Sample } from './text/sample.js';

export type FileDescription = CsvDescription | JsonlDescription;

/**
 * @param name for messages
 * @param table what is known of the file's fields; undefined for a file of unknown fields
 * @param settings what the user said
 * @throws EdpError `not_csv`, `not_jsonl`, `io`, `corrupt_file`
 */
export async function describeFile(
  file: FileIdentity,
  name: string,
  table: Table | undefined,
  settings: FileSettings,
): Promise<FileDescription> {
  const { format } = await chooseFormat(file, name, settings);
  switch (format) {
    case 'csv':
      return describeCsv(file, name, table, settings.csv);
    case 'jsonl':
      return describeJsonl(file, name, table !== undefined, settings.jsonl);
  }
}

/** A file of unknown fields, with a sample of it, and why its format is taken for what it is. */
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
  const sample = await readSample(file, name, settings[choice.format]);
  switch (choice.format) {
    case 'csv':
      return {
        sample,
        choice,
        description: describeCsvSample(sample, name, undefined, settings.csv),
      };
    case 'jsonl':
      return { sample, choice, description: describeJsonlSample(sample, name) };
  }
}

/**
 * How a file's text is got out of it, and by what the text is known.
 *
 * @throws EdpError `io`, `corrupt_file`
 */
export async function readTextHead(
  file: FileIdentity,
  name: string,
  settings: FileSettings,
): Promise<{ readonly form: FileForm; readonly textHead: Buffer | undefined }> {
  const { format } = await chooseFormat(file, name, settings);
  const sample = await readSample(file, name, settings[format]);
  return { form: sample.form, textHead: textHeadOf(sample) };
}

/** The form of a file as `--json` tells it. */
export function summarizeForm(
  description: FileDescription,
): ReturnType<typeof summarizeCsv> | ReturnType<typeof summarizeJsonl> {
  switch (description.format) {
    case 'csv':
      return summarizeCsv(description);
    case 'jsonl':
      return summarizeJsonl(description);
  }
}

/** What is unusual in the form of a file, in words; empty for most files. */
export function listOddities(description: FileDescription): string[] {
  switch (description.format) {
    case 'csv':
      return listCsvOddities(description);
    case 'jsonl':
      return listJsonlOddities(description);
  }
}
