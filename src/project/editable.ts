/** The file that declares a table → its text, to be edited, among those of the project. */
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { retry } from '../base/retry.js';
import { PROJECT_FILE, readProjectText, replaceProjectFile } from './file.js';
import { withIncluded } from './include.js';
import { parseProject } from './parse.js';
import { preparePlainParser } from './plain-value.js';
import type { SourceText } from './project-part.js';

export interface EditableText {
  /** Absolute path. */
  readonly file: string;
  /** As it is written: variables are not replaced. Undefined where there is no file. */
  readonly text: string | undefined;
  /** The other texts of the project. */
  readonly others: readonly SourceText[];
}

/**
 * @param table undefined for what is to be added: that goes into edp.yaml
 * @throws EdpError `config`
 */
export async function readEditable(directory: string, table?: string): Promise<EditableText> {
  return readEditableFile(path.join(directory, PROJECT_FILE), table);
}

/** The same for a project file of any name. */
async function readEditableFile(file: string, table?: string): Promise<EditableText> {
  const text = await readProjectText(file);
  if (text === undefined) return { file, text, others: [] };
  const texts = await withIncluded(file, text);
  const place = table === undefined ? undefined : parseProject(texts).places.get(table);
  const own = place ?? texts[0]!;
  return {
    // A link to edp.yaml is kept.
    file: own === texts[0] ? file : own.path!,
    text: own.text,
    others: texts.filter((other) => other !== own),
  };
}

/**
 * Changes the file that declares a table, by its present text. Where another program changes it
 * meanwhile, all is read again, and the edit is done with the new text.
 *
 * @param name the project file
 * @param table undefined for what is to be added: that goes into edp.yaml
 * @param edit gives the new text; what it throws ends the edit
 * @throws EdpError `config`, and as {@link replaceProjectFile}
 */
export async function editProjectFile(
  name: string,
  table: string | undefined,
  edit: (editable: EditableText) => string,
): Promise<void> {
  // What is added may make it large.
  await preparePlainParser();
  await retry(
    async () => {
      const editable = await readEditableFile(name, table);
      const edited = edit(editable);
      if (edited !== editable.text) await replaceProjectFile(editable.file, edited, editable.text);
    },
    (error) => error instanceof EdpError && error.code === 'file_changed',
  );
}
