/** How the records of a file are read: plain data, from which each thread opens the format. */
import { type FileDescription, formatNamed } from './all-formats.js';
import type { TextLayout } from './text/described-text.js';
import type { TextFormat } from './text/text-format.js';

export type RecordForm = FileDescription['recordForm'];

/** Where a file's records are, and how they are read. */
export interface FileLayout extends TextLayout {
  readonly recordForm: RecordForm;
}

export function openFormat(form: RecordForm): TextFormat {
  return formatNamed(form.format).open(form);
}
