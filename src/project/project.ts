/** edp.yaml of the working directory, if there is one → options and model. */

import path from 'node:path';
import type { Model } from '../model/model.js';
import { PROJECT_FILE, readProjectText } from './file.js';

export interface Project {
  /** Directory that edp.yaml, data/, reports/ and .edp/ belong to. */
  readonly directory: string;
  /** Values of options, by option name, as written. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The `csv:` section, by option name, as written. */
  readonly csv: Readonly<Record<string, unknown>>;
  readonly model: Model;
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
  const { parseProject } = await import('./parse.js');
  const { options, csv, tables } = parseProject(text);
  const model =
    tables === undefined
      ? (await import('../model/builtin.js')).BUILTIN_MODEL
      : (await import('../model/schema.js')).toModel(tables);
  return { directory, options, csv, model };
}
