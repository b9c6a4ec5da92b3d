/** What the ledger keeps of how a load reads its file, and what comes of it again. */
import type { Drift } from '../model/drift.js';
import {
  type FileSettings,
  NO_SETTINGS,
  settingsFor,
  withSettings,
} from '../model/file-settings.js';
import { type FileDescription, formatNamed, type Reading } from './all-formats.js';
import { type FileLayout, openFormat, type RecordForm } from './open-format.js';
import { type TextTail, withoutFooter } from './text/read-text.js';

export type { Reading };

/** A ledger from before there was another format names none. */
const nameOf = ({ format }: Reading) => format ?? 'csv';

/** @param specified what the user specified */
export function readingOf(
  description: FileDescription,
  specified: FileSettings,
  drift: Drift | undefined,
): Reading {
  const { format } = description;
  return formatNamed(format).readingOf(description, settingsFor(specified, format), drift);
}

const NO_HEADER = Buffer.alloc(0);

/**
 * @param header the header of the load's file, byte for byte. Without it each record is one, also if it
 *   equals the header
 */
export function recordFormOf(reading: Reading, header: Buffer = NO_HEADER): RecordForm {
  return formatNamed(nameOf(reading)).formOf(reading, header);
}

/** Where the records of the load's own file are. @param header as for {@link recordFormOf} */
export function layoutOf(reading: Reading, header?: Buffer): FileLayout {
  const { dataStart, dataLine, dataEnd } = reading;
  const fields = formatNamed(nameOf(reading)).fieldsOf(reading);
  return { recordForm: recordFormOf(reading, header), fields, dataStart, dataLine, dataEnd };
}

/** What a user would have to specify for another file to be read in the same way. */
export function settingsOf(reading: Reading): FileSettings {
  const format = nameOf(reading);
  const settings = formatNamed(format).settingsOf(reading);
  return { ...withSettings(NO_SETTINGS, format, settings), format };
}

/**
 * A text without the lines at its end that the load passed over.
 *
 * @param take receives those lines
 */
export function bodyOf(
  text: AsyncIterable<Buffer>,
  reading: Reading,
  take?: (tail: TextTail) => void,
): AsyncGenerator<Buffer> {
  const { lineEnd } = openFormat(recordFormOf(reading));
  return withoutFooter(text, formatNamed(nameOf(reading)).footerLinesOf(reading), lineEnd, take);
}
