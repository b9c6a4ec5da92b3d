/**
 * How the records of a file are read: plain data, from which each thread opens the format. A list of its own,
 * since a worker needs this of a format and nothing else: what describes files takes long to load.
 */
import type { FileDescription } from './all-formats.js';
import { csvFormat } from './csv/csv-format.js';
import { eventFormat } from './events/event-format.js';
import { jsonlFormat } from './jsonl/jsonl-format.js';
import type { TextLayout } from './text/described-text.js';
import type { TextFormat } from './text/text-format.js';

export type RecordForm = FileDescription['recordForm'];

/** Where a file's records are, and how they are read. */
export interface FileLayout extends TextLayout {
  readonly recordForm: RecordForm;
}

/** Several formats may share a form. */
type FormOf<F, Form = RecordForm> = Form extends { format: infer G }
  ? F extends G
    ? Form
    : never
  : never;

const OPEN: {
  readonly [F in RecordForm['format']]: (form: FormOf<F>) => TextFormat;
} = {
  csv: ({ dialect, header }) => csvFormat(dialect, header),
  jsonl: jsonlFormat,
  cloudevents: eventFormat,
  debezium: eventFormat,
};

/** The same form, but a record that equals the header is a record. */
export function withoutHeader(form: RecordForm): RecordForm {
  return form.format === 'csv' ? { format: 'csv', dialect: form.dialect } : form;
}

export function openFormat(form: RecordForm): TextFormat {
  return (OPEN[form.format] as (form: RecordForm) => TextFormat)(form);
}
