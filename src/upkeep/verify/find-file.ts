/** The file that a load is compared with: the one that the user names, else the one that the ledger names. */
import path from 'node:path';
import { EdpError } from '../../base/errors.js';
import { tableOfBatch } from '../../events/captured-batch.js';
import { readTextHead } from '../../formats/describe-file.js';
import { type Reading, settingsOf } from '../../formats/stored-reading.js';
import type { TextForm } from '../../formats/text/read-text.js';
import type { LoadSummary } from '../../ledger/ledger-queries.js';
import type { FileSettings } from '../../model/file-settings.js';
import { type CopyOptions, toReadable } from '../../source/copies.js';
import type { InputFile } from '../../source/discover.js';
import { isMasked } from '../../source/http/url-names.js';
import { type IdentifiedFile, identifyFile } from '../../source/identify.js';
import { isUrl, sourceOfName, versionOf } from '../../source/sources.js';
import type { Spool } from '../../source/spool.js';

/** A file as it is there now. */
export type SourceFile = IdentifiedFile & {
  /** As the user or the ledger names it. */
  readonly name: string;
  readonly form: TextForm;
};

/**
 * @param named what the user named; undefined for the file of the ledger
 * @param directory the project's
 * @throws EdpError that says what is to be compared with what, where it cannot be found
 */
export async function findFile(
  named: string | undefined,
  directory: string,
  load: LoadSummary,
  format: Reading,
  spool: Spool,
  copying: CopyOptions,
): Promise<SourceFile> {
  const { loadId } = load;
  if (named === undefined) assertNamedWhole(load);
  const given = named ?? load.path;
  try {
    const listed = await list(given, directory);
    const { name } = listed;
    const version = await versionOf(await toReadable(listed, spool, copying));
    const { form, textHead } = await readTextHead(version, name, otherSettings(format));
    return { ...(await identifyFile(version, textHead)), name, form };
  } catch (error) {
    const fault = faultOf(error);
    if (fault === undefined) throw error;
    if (named !== undefined) {
      throw isUrl(named)
        ? error
        : new EdpError('no_such_file', `${named} ${fault}`, {
            hint: `looked in ${directory}`,
            cause: error,
          });
    }
    if (tableOfBatch(load.path) !== undefined) {
      throw new EdpError(
        'file_changed',
        `load ${loadId} came from edp capture --to table, which removes its files when they are loaded: there is no file to compare its rows with`,
        {
          hint: `what edp status ${loadId} shows was counted by the server; where another consumer keeps a file of the same events: edp verify ${loadId} FILE`,
          cause: error,
        },
      );
    }
    throw new EdpError('file_changed', `${load.path}, which load ${loadId} loaded, ${fault}`, {
      hint: isUrl(load.path)
        ? `the ledger keeps no user and password of a URL: if it needs them, or if the file is elsewhere by now: edp verify ${loadId} FILE`
        : `if it is elsewhere by now: edp verify ${loadId} FILE`,
      cause: error,
    });
  }
}

async function list(name: string, directory: string): Promise<InputFile> {
  if (!isUrl(name)) return { name, path: path.resolve(directory, name) };
  const [file] = await (await sourceOfName(name)).list(name, directory);
  if (file !== undefined) return file;
  throw new EdpError('no_such_file', 'the server knows no such file', { hint: 'check the URL' });
}

/** What is wrong with the place of the file, in words; undefined where it is something else. */
function faultOf(error: unknown): string | undefined {
  if (!(error instanceof EdpError)) return undefined;
  if (error.code === 'no_such_file') return 'is not there';
  if (error.code === 'source_refused') return `cannot be read: ${error.message}`;
  if (error.code !== 'io') return undefined;
  const { code, message } = error.cause as NodeJS.ErrnoException;
  const isGone = code === 'ENOENT' || code === 'ENOTDIR';
  return isGone ? 'is not there' : `cannot be read: ${message}`;
}

/** Of some files, the ledger has no name by which they can be read again. */
function assertNamedWhole({ loadId, path: name }: LoadSummary): void {
  if (name === '-') {
    throw new EdpError('usage', `load ${loadId} came from standard input`, {
      hint: `name a file with the same content: edp verify ${loadId} FILE`,
    });
  }
  if (isUrl(name) && isMasked(name)) {
    throw new EdpError('usage', `load ${loadId} came from ${name}`, {
      hint: `the ledger keeps no secrets of a URL: name it as a whole, or a file with the same content: edp verify ${loadId} FILE`,
    });
  }
}

/** The same text may be packed in another way than it was. */
export function otherSettings(reading: Reading): FileSettings {
  const { format, csv, text } = settingsOf(reading);
  const isPlain = reading.encoding !== 'utf-16le' && reading.encoding !== 'utf-16be';
  const packing = { compression: undefined, encoding: isPlain ? reading.encoding : undefined };
  return { format: format!, csv: { ...csv, ...packing }, text: { ...text, ...packing } };
}
