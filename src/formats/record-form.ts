/** How the records of a file are read: plain data, from which any thread opens its format. */
import { type CsvForm, csvFormat } from './csv/csv-format.js';
import type { JsonlForm } from './jsonl/jsonl-form.js';
import { jsonlFormat } from './jsonl/jsonl-format.js';
import type { TextLayout } from './text/described-text.js';
import type { TextFormat } from './text/text-format.js';

export type RecordForm = CsvForm | JsonlForm;

/** Where a file's records are, and how they are read. */
export interface FileLayout extends TextLayout {
  readonly recordForm: RecordForm;
}

export function openFormat(form: RecordForm): TextFormat {
  switch (form.format) {
    case 'csv':
      return csvFormat(form.dialect);
    case 'jsonl':
      return jsonlFormat(form);
  }
}
