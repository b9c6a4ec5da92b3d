/** What is known of a file of text before its records are read, whatever their format. */

import { isDecoded } from './read-text.js';
import type { FileForm, Sample } from './sample.js';

/** Where a file's records are, and what their fields are called. */
export interface TextLayout {
  /** A name for each field. Where each record names its own (JSON), those of the first records. */
  readonly fields: readonly string[];
  /** Where the first record starts. */
  readonly dataStart: number;
  /** Line, from 1, at `dataStart`. */
  readonly dataLine: number;
  /** Where a footer begins that is to be passed over; undefined where there is none. */
  readonly dataEnd: number | undefined;
}

export interface DescribedText extends TextLayout {
  readonly form: FileForm;
  /** Whether records further on may have fields of other names. */
  readonly mayHaveMoreFields: boolean;
  /** The header record byte for byte, without its line end; empty where there is none. */
  readonly headerBytes: Buffer;
  /** Lines at the end of the text to pass over. */
  readonly skipFooter: number;
  /** Where lines begin that look like a footer, but are not said to be one. */
  readonly footer: Footer | undefined;
  /** Mean length of the first records, line end included. */
  readonly recordBytes: number;
  /** Of a file that is not plain text, the first bytes of its text. */
  readonly textHead: Buffer | undefined;
  /** Of such a file, how long its text is, where that is known. */
  readonly textBytes: number | undefined;
}

export interface Footer {
  readonly start: number;
  readonly lines: number;
  readonly text: string;
}

/** By so many of its first bytes a text is known, before it is compared. */
const TEXT_HEAD_BYTES = 4 * 1024;

/** By what a text is known. Of plain text there is none: its file tells more. */
export function textHeadOf({ form, parts }: Sample): Buffer | undefined {
  return isDecoded(form) ? Buffer.from(parts.head.subarray(0, TEXT_HEAD_BYTES)) : undefined;
}

/** How long a text is that is not its file's own bytes, where the sample is all of it. */
export function textBytesOf({ form, parts }: Sample): number | undefined {
  return isDecoded(form) && parts.isWhole ? parts.head.length : undefined;
}

/** What is unusual in how a file's text is got out of it, in words. */
export function listTextOddities({ compression, encoding }: FileForm): string[] {
  return [compression === 'none' ? '' : compression, encoding === 'utf-8' ? '' : encoding].filter(
    Boolean,
  );
}
