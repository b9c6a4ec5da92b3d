/** The file of a load as it can be read now, and whether it has the content that was loaded. */
import type pg from 'pg';
import { bodyOf } from '../../formats/stored-reading.js';
import { isDecoded, readText, type TextTail } from '../../formats/text/read-text.js';
import type { LoadSummary, StoredFormat } from '../../ledger/ledger-queries.js';
import { listHashedRanges } from '../../ledger/loads.js';
import type { CopyOptions } from '../../source/copies.js';
import { hasContent, type IdentifiedFile } from '../../source/identify.js';
import { localVersion } from '../../source/local-files.js';
import { readBytes } from '../../source/open-file.js';
import type { Spool } from '../../source/spool.js';
import { findFile, type SourceFile } from './find-file.js';

export interface LoadedFile {
  readonly source: SourceFile;
  /** The file that is read: the file itself, or one with its unpacked text, without the footer. */
  readonly file: IdentifiedFile;
  readonly isSameContent: boolean;
  /** The text behind the last record. @param end of the last record */
  readTail(end: number): Promise<Buffer>;
}

/**
 * @param named what the user named; undefined for the file of the ledger
 * @param directory the project's
 * @throws EdpError of {@link findFile}
 */
export async function findLoadedFile(
  client: pg.Client,
  load: LoadSummary,
  { format }: StoredFormat,
  named: string | undefined,
  directory: string,
  spool: Spool,
  copying: CopyOptions,
): Promise<LoadedFile> {
  const source = await findFile(named, directory, load, format, spool, copying);
  let footer: TextTail | undefined;
  const isPacked = isDecoded(source.form);
  const unpack = async (): Promise<IdentifiedFile> => {
    const text = readText(source, source.name, source.form);
    const body = bodyOf(text, format, (tail) => {
      footer = tail;
    });
    const version = await localVersion(await spool.write(body, copying.signal));
    return { ...version, contentHash: source.contentHash };
  };
  const file = isPacked ? await unpack() : source;
  const ranges = await listHashedRanges(client, load.loadId);
  // The fingerprint of a text covers only its beginning.
  const isWhole =
    !isPacked || load.state !== 'loaded' || (ranges.at(-1)?.end ?? format.dataStart) === file.size;
  return {
    source,
    file,
    isSameContent:
      source.contentHash === load.contentHash && isWhole && (await hasContent(file, ranges)),
    readTail: async (end) =>
      footer === undefined
        ? readBytes(file, end, file.size)
        : footer.bytes.subarray(Math.max(0, end - footer.start)),
  };
}
