/** edp.yaml of the working directory, if there is one → options and model. */

import path from 'node:path';
import { EdpError } from '../base/errors.js';
import type { Capture } from '../model/capture.js';
import type { Model } from '../model/model.js';
import type { Receiver } from '../model/notify-schema.js';
import { toModel } from '../model/schema.js';
import { PROJECT_FILE, readProjectText } from './file.js';

export interface Project {
  /** Directory that edp.yaml, data/, reports/ and .edp/ belong to. */
  readonly directory: string;
  /** Values of options, by option name, as written. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The `csv:` section, by option name, as written. */
  readonly csv: Readonly<Record<string, unknown>>;
  readonly model: Model;
  /** Who gets notices. */
  readonly notify?: readonly Receiver[];
  /** Where the rows of captured tables come from. */
  readonly capture?: Capture;
  /** Schema of the layer bronze, where that is not the usual one; else the search path decides. */
  readonly bronzeSchema?: string;
}

/** @throws EdpError `config` for an unreadable or invalid file, `model` for faults in its tables */
export async function loadProject(directory = process.cwd()): Promise<Project> {
  const file = path.join(directory, PROJECT_FILE);
  const text = await readProjectText(file);
  if (text === undefined) {
    const { BUILTIN_MODEL } = await import('../model/builtin.js');
    return { directory, options: {}, csv: {}, model: BUILTIN_MODEL };
  }
  // Loading the YAML library takes most of the time, so it is loaded only if needed.
  const [{ parseProject }, { withIncluded }] = await Promise.all([
    import('./parse.js'),
    import('./include.js'),
  ]);
  const { options, csv, tables, notify, capture, bronzeSchema } = parseProject(
    await withIncluded(file, text),
  );
  const model =
    tables === undefined ? (await import('../model/builtin.js')).BUILTIN_MODEL : toModel(tables);
  return {
    directory,
    options,
    csv,
    model,
    ...(notify === undefined ? {} : { notify }),
    ...(capture === undefined ? {} : { capture }),
    ...(bronzeSchema === undefined ? {} : { bronzeSchema }),
  };
}

/**
 * What commands need that manage the server alone: of a faulty edp.yaml, no more than the address of the
 * database, so that it never keeps a server from being stopped.
 */
export async function loadDatabaseKeys(directory = process.cwd()): Promise<Project> {
  try {
    return await loadProject(directory);
  } catch (error) {
    if (!(error instanceof EdpError)) throw error;
    const { BUILTIN_MODEL } = await import('../model/builtin.js');
    const text = await readProjectText(path.join(directory, PROJECT_FILE)).catch(() => undefined);
    const options = text === undefined ? {} : await findDatabaseUrl(text);
    return { directory, options, csv: {}, model: BUILTIN_MODEL };
  }
}

async function findDatabaseUrl(text: string): Promise<Project['options']> {
  const [{ parseDocument, isMap }, { expandText }] = await Promise.all([
    import('yaml'),
    import('./variables.js'),
  ]);
  const { contents } = parseDocument(text, { prettyErrors: false });
  const written = isMap(contents) ? contents.get('database-url') : undefined;
  if (typeof written !== 'string') return {};
  const { text: url, messages } = expandText(written, process.env);
  return messages.length > 0 ? {} : { 'database-url': url };
}
