/** How the records of a file of change events are read. */
import type { EventFormat } from '../../model/file-settings.js';
import { type FieldEncoding, toUtf8 } from '../text/transcode.js';

/** Plain data. */
export interface EventForm {
  readonly format: EventFormat;
  readonly encoding: FieldEncoding;
  /** The tables that events are about, as JSON: it is the same for all files, and parsed once in each thread. */
  readonly catalog: string;
}

export function eventForm(format: EventFormat, encoding: FieldEncoding): EventForm {
  return { format, encoding, catalog: '[]' };
}

/** A line of a file as text. What is no valid text has replacement characters. */
export function lineText(line: Buffer, { encoding }: Pick<EventForm, 'encoding'>): string {
  if (encoding === 'utf-8') return line.toString('utf8');
  return Buffer.from(toUtf8(line.toString('latin1'), encoding), 'latin1').toString();
}
