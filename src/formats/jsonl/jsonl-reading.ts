/** How a load reads a file of JSON lines. */

import type { Drift } from '../../model/drift.js';
import type { TextSettings } from '../../model/file-settings.js';
import type { TextReading } from '../text/text-reading.js';
import { fieldEncodingOf } from '../text/transcode.js';
import type { JsonlDescription } from './describe-jsonl.js';
import { type JsonlForm, openForm } from './jsonl-form.js';

/** It has no keys: those are the keys of the table, whatever the first records of the file have. */
export interface JsonlReading extends TextReading {
  readonly format: 'jsonl';
  readonly specified: TextSettings;
}

export function jsonlReadingOf(
  { form, dataStart, dataLine }: JsonlDescription,
  specified: TextSettings,
  drift: Drift | undefined,
): JsonlReading {
  return { format: 'jsonl', encoding: form.encoding, dataStart, dataLine, specified, drift };
}

export function jsonlFormOf({ encoding }: JsonlReading): JsonlForm {
  return openForm(fieldEncodingOf(encoding));
}
