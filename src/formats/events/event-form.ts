/** How the records of a file of change events are read. */
import type { EventFormat } from '../../model/file-settings.js';
import type { FieldEncoding } from '../text/transcode.js';

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
