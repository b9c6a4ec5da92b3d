/** Compares the content of two files of a dry run, because the ledger has no receipts of them. */
import { isDecoded, readText, type TextForm } from '../../formats/text/read-text.js';
import type { InputFile } from '../../source/discover.js';
import type { FileIdentity } from '../../source/file-identity.js';
import { isFileFault } from '../file-results.js';

/** A file, and how it is decoded to text. */
export interface LoadedFile {
  readonly file: InputFile;
  readonly version: FileIdentity;
  readonly form: TextForm;
}

/**
 * Whether two files are equal, byte for byte; of files that are not plain text, the decoded text.
 */
export async function isSameContent(left: LoadedFile, right: LoadedFile): Promise<boolean> {
  if (isDecoded(left.form) !== isDecoded(right.form)) return false;
  const texts = [left, right].map(({ file, version, form }) =>
    readText(version, file.name, isDecoded(form) ? form : PLAIN)[Symbol.asyncIterator](),
  );
  const rests: Buffer[] = texts.map(() => Buffer.alloc(0));
  try {
    for (;;) {
      for (const [i, text] of texts.entries()) {
        while (rests[i]!.length === 0) {
          const { value, done } = await text.next();
          if (done === true) break;
          rests[i] = value;
        }
      }
      const length = Math.min(...rests.map((rest) => rest.length));
      const [a, b] = rests.map((rest) => rest.subarray(0, length));
      if (length === 0 || !a!.equals(b!)) return rests.every((rest) => rest.length === 0);
      for (const [i, rest] of rests.entries()) rests[i] = rest.subarray(length);
    }
  } catch (error) {
    // A file that cannot be decompressed completely is equal to no other.
    if (isFileFault(error)) return false;
    throw error;
  } finally {
    for (const text of texts) await text.return(undefined);
  }
}

const PLAIN: TextForm = { compression: 'none', encoding: 'utf-8', markBytes: 0 };
