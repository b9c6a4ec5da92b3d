/**
 * What a format of files offers to all who read files of it. Another format is an object of this type in a
 * room of its own, and a line each in all-formats.ts and open-format.ts.
 */
import type { Drift } from '../../model/drift.js';
import type { Table } from '../../model/model.js';
import type { FileIdentity } from '../../source/file-identity.js';
import type { DescribedText } from './described-text.js';
import type { Sample } from './sample.js';
import type { TextReading } from './text-reading.js';

/**
 * @typeParam Settings what a user may specify about such files
 * @typeParam Form plain data from which any thread can read records
 * @typeParam Reading plain data that the ledger keeps, so that a file is read again as it was read
 */
export interface InputFormat<
  Settings extends object,
  Form extends { readonly format: string },
  Description extends DescribedText & { readonly recordForm: Form },
  Reading extends TextReading,
  Summary extends object = object,
> {
  /** Suffixes of the names of such files, in lower case, with the point. */
  readonly suffixes: readonly string[];
  /**
   * Whether the first lines of a file without such a suffix are of this format, and why. A format without it
   * is known by its suffix alone, or is the one that is left.
   */
  readonly content?: {
    /** @returns undefined where the sample is too short to decide */
    isLike(sample: Sample): boolean | undefined;
    readonly why: string;
  };
  /**
   * @param name for messages
   * @param table what is known of the file's fields; undefined for a file of unknown fields
   * @throws EdpError `not_csv`, `wrong_format`, `io`, `corrupt_file`, and those of the file's source
   */
  describe(
    file: FileIdentity,
    name: string,
    table: Table | undefined,
    settings: Settings,
  ): Promise<Description>;
  /** Describes a file of unknown fields by a sample of it. */
  describeSample(sample: Sample, name: string, settings: Settings): Description;
  /** The form of a file, as `--json` has it. */
  summarize(description: Description): Summary;
  /** What is unusual in the form of a file, in words; empty for most files. */
  listOddities(description: Description): string[];
  readingOf(description: Description, specified: Settings, drift: Drift | undefined): Reading;
  /** @param header the header of the file, byte for byte; empty where it has none, or for single records */
  formOf(reading: Reading, header: Buffer): Form;
  /** Names of the fields, where the file as a whole has them. */
  fieldsOf(reading: Reading): readonly string[];
  /** What a user would have to specify for another file to be read in the same way. */
  settingsOf(reading: Reading): Settings;
  /** Lines at the end of the text that are passed over. */
  footerLinesOf(reading: Reading): number;
}
