/** Whether two files of a dry run have the same content: the ledger, which would show it, has no receipts of them. */
import { isDecoded, readText, type TextForm } from '../../formats/text/read-text.js';
import type { InputFile } from '../../source/discover.js';
import type { FileIdentity } from '../../source/file-identity.js';
import { isFileFault } from '../file-results.js';

/** A file, and how its text is got out of it. */
export interface LoadedFile {
  readonly file: InputFile;
  readonly version: FileIdentity;
  readonly form: TextForm;
}

/** Whether two files are the same, byte for byte; of those that are not plain text, what is in them. */
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
    // One that cannot be unpacked to its end is like no other.
    if (isFileFault(error)) return false;
    throw error;
  } finally {
    for (const text of texts) await text.return(undefined);
  }
}

const PLAIN: TextForm = { compression: 'none', encoding: 'utf-8', markBytes: 0 };
