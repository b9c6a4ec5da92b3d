/** A file of JSON lines → the keys of its first records, and where its records are. */

import { EdpError } from '../../base/errors.js';
import type { TextSettings } from '../../model/file-settings.js';
import { Fault } from '../../model/reject-codes.js';
import type { FileIdentity } from '../../source/file-identity.js';
import {
  type DescribedText,
  listTextOddities,
  textBytesOf,
  textHeadOf,
} from '../text/described-text.js';
import { findForeignText } from '../text/foreign-file.js';
import { NOTHING_PASSED_OVER } from '../text/passed-over.js';
import { RecordBatch } from '../text/record-batch.js';
import { isFullSample, readBriefSample, readSample, type Sample } from '../text/sample.js';
import { fieldEncodingOf } from '../text/transcode.js';
import { type JsonlForm, openForm } from './jsonl-form.js';
import { jsonlFormat } from './jsonl-format.js';
import { JsonlParser } from './jsonl-parser.js';
import { LineScanner } from './line-scanner.js';

/**
 * At most this many lines are sampled, from the first bytes; a long first line is read to its end.
 */
const SAMPLED_LINES = 1000;
const SAMPLED_BYTES = 32 * 1024;

export interface JsonlDescription extends DescribedText {
  readonly format: 'jsonl';
  /** Has all keys of the first records as fields, and accepts more. */
  readonly recordForm: JsonlForm;
  /** Number of first lines that were sampled, and how many of them are JSON objects. */
  readonly sampledLines: number;
  readonly sampledObjects: number;
}

/**
 * @param name for messages
 * @param isBrief whether a small sample is enough, as for a file that goes into a known table
 * @throws EdpError `wrong_format`, `io`, `corrupt_file`
 */
export async function describeJsonl(
  file: FileIdentity,
  name: string,
  isBrief: boolean,
  settings: TextSettings,
): Promise<JsonlDescription> {
  if (isBrief) {
    const brief = await readBriefSample(file, name, settings);
    const description = describeJsonlSample(brief, name);
    if (description.sampledLines > 0 || isFullSample(brief)) return description;
  }
  return describeJsonlSample(await readSample(file, name, settings), name);
}

export function describeJsonlSample(sample: Sample, name: string): JsonlDescription {
  const { form, parts } = sample;
  const { head, start, isWhole } = parts;
  const open = openForm(fieldEncodingOf(form.encoding));
  const found = readFirstLines(sample, open);
  const other =
    found.objects === 0 && !found.looksOtherwise
      ? findForeignText(head.subarray(start), isWhole)
      : undefined;
  if (other !== undefined) {
    throw new EdpError(
      'wrong_format',
      `${name} does not look like JSON lines: it looks like ${other.what}`,
      {
        place: `${name}:1`,
        hint: other.hint.replaceAll('FILE', () => name),
      },
    );
  }
  if (found.looksOtherwise) {
    throw new EdpError(
      'wrong_format',
      `${name} does not look like JSON lines: no line begins with {`,
      {
        place: `${name}:1`,
        hint: `each line must be a JSON object; jq -c '.[]' makes such lines of a JSON array. --format csv reads the file as CSV`,
      },
    );
  }
  return {
    format: 'jsonl',
    recordForm: { ...open, keys: found.keys },
    form,
    fields: found.keys,
    mayHaveMoreFields: !isWhole || found.end < head.length,
    headerBytes: Buffer.alloc(0),
    head: start === 0 ? NOTHING_PASSED_OVER : { mark: { lines: 0, bytes: start } },
    dataStart: start,
    dataLine: 1,
    dataEnd: undefined,
    skipFooter: 0,
    footer: undefined,
    recordBytes: found.lines === 0 ? Math.max(1, head.length) : (found.end - start) / found.lines,
    textHead: textHeadOf(sample),
    textBytes: textBytesOf(sample),
    sampledLines: found.lines,
    sampledObjects: found.objects,
  };
}

interface FirstLines {
  /** In the order of their first appearance. */
  readonly keys: readonly string[];
  readonly lines: number;
  readonly objects: number;
  /** Offset behind the last sampled line. */
  readonly end: number;
  /** Whether there are lines, and none of them begins with a brace. */
  readonly looksOtherwise: boolean;
}

function readFirstLines({ parts }: Sample, form: JsonlForm): FirstLines {
  const { head, start, isWhole } = parts;
  const scanner = new LineScanner();
  const parser = new JsonlParser(form);
  const batch = new RecordBatch(SAMPLED_LINES);
  scanner.reset(start);
  scanner.scan(head, head.length, start + SAMPLED_BYTES, isWhole, batch);
  let objects = 0;
  let braces = 0;
  parser.parse(head, batch, (index, record) => {
    if (!(record instanceof Fault)) objects++;
    const text = head.toString('latin1', batch.start[index], batch.end[index]);
    if (text.trimStart().startsWith('{')) braces++;
  });
  return {
    keys: [...parser.fields],
    lines: batch.count,
    objects,
    end: scanner.nextRecord,
    looksOtherwise: batch.count > 0 && braces === 0,
  };
}

/**
 * Detects JSON lines in a text of unknown format: each of its first lines is a JSON object.
 *
 * @returns undefined where the sample holds no line
 */
export function looksLikeJsonl(sample: Sample): boolean | undefined {
  const open = openForm(fieldEncodingOf(sample.form.encoding));
  const { lines, objects } = readFirstLines(sample, open);
  return lines === 0 ? undefined : objects === lines;
}

/** The form of a file as `--json` reports it. */
export function summarizeJsonl({ form, recordForm }: JsonlDescription) {
  return {
    lineEnd: jsonlFormat(recordForm).lineEnd,
    encoding: form.encoding,
    byteOrderMark: form.markBytes > 0,
    compression: form.compression,
  };
}

/** Describes in words what is unusual in the form of a file; empty for most files. */
export function listJsonlOddities({ form }: JsonlDescription): string[] {
  return listTextOddities(form);
}
