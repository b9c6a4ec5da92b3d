/** What is known of a file of text before its records are read, whatever their format. */

import type { PassedOver } from './passed-over.js';
import { isDecoded } from './read-text.js';
import type { FileForm, Sample } from './sample.js';

/** Where the records of a file are, and the names of their fields. */
export interface TextLayout {
  /**
   * A name for each field; where each record names its fields (JSON), those of the first records.
   */
  readonly fields: readonly string[];
  /** Where the first record starts. */
  readonly dataStart: number;
  /** Line, from 1, at `dataStart`. */
  readonly dataLine: number;
  /** Start of a footer to pass over; undefined where there is none. */
  readonly dataEnd: number | undefined;
}

export interface DescribedText extends TextLayout {
  readonly form: FileForm;
  /** Whether later records may have fields with other names. */
  readonly mayHaveMoreFields: boolean;
  /** The header record byte for byte, without its line end; empty where there is none. */
  readonly headerBytes: Buffer;
  /** What lies before the first record. */
  readonly head: PassedOver;
  /** Lines at the end of the text to pass over. */
  readonly skipFooter: number;
  /** Lines that look like a footer, though none was specified. */
  readonly footer: Footer | undefined;
  /** Mean length of the first records, line end included. */
  readonly recordBytes: number;
  /** The first bytes of the text, where the file is not plain text. */
  readonly textHead: Buffer | undefined;
  /** Length of the text of such a file, where it is known. */
  readonly textBytes: number | undefined;
}

export interface Footer {
  readonly start: number;
  readonly lines: number;
  readonly text: string;
}

/** The first bytes that identify a text, before all of it is compared. */
const TEXT_HEAD_BYTES = 4 * 1024;

/**
 * The bytes that identify a text; undefined for plain text, since its file has a better
 * fingerprint.
 */
export function textHeadOf({ form, parts }: Sample): Buffer | undefined {
  return isDecoded(form) ? Buffer.from(parts.head.subarray(0, TEXT_HEAD_BYTES)) : undefined;
}

/** Length of a text that had to be decoded; undefined where the sample is not all of it. */
export function textBytesOf({ form, parts }: Sample): number | undefined {
  return isDecoded(form) && parts.isWhole ? parts.head.length : undefined;
}

/** Describes in words what is unusual in the compression and encoding of a file. */
export function listTextOddities({ compression, ...form }: FileForm): string[] {
  return [compression === 'none' ? '' : compression, describeEncoding(form)].filter(Boolean);
}

function describeEncoding({
  encoding,
  isEncodingGuessed,
}: Pick<FileForm, 'encoding' | 'isEncodingGuessed'>): string {
  if (!isEncodingGuessed) return encoding === 'utf-8' ? '' : encoding;
  return encoding === 'utf-8'
    ? 'bytes that are not UTF-8 (--encoding names their encoding)'
    : `${encoding} (--encoding if it is another)`;
}
