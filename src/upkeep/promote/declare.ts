/** Declares a metric in edp.yaml, or creates the file where there is none. */
import path from 'node:path';
import { type Document, isMap } from 'yaml';
import { EdpError } from '../../base/errors.js';
import type { Table } from '../../model/model.js';
import { addToProject, replaceInProject } from '../../project/edit.js';
import { editProjectFile, readEditable } from '../../project/editable.js';
import { PROJECT_FILE } from '../../project/file.js';
import type { SourceText } from '../../project/project-part.js';
import { type PromoteSubject, withMetric } from './subject.js';

/** A declaration that was tried and can be written. */
export interface Declaration {
  /** The table as the file will have it. */
  readonly table: Table;
  /** Writes it into the file. @throws EdpError `config` */
  write(): Promise<void>;
}

/**
 * @throws EdpError `config` where the file cannot be edited; the hint says what to write by hand
 */
export async function prepareDeclaration(
  directory: string,
  subject: PromoteSubject,
): Promise<Declaration> {
  const { text: first, others: besides } = await readEditable(directory, subject.table.name);
  const { table } = declare(first, subject, besides);
  return {
    table,
    async write() {
      // Read again: the file may have changed meanwhile.
      await editProjectFile(
        path.join(directory, PROJECT_FILE),
        subject.table.name,
        ({ text, others }) => declare(text, subject, others).text,
      );
    },
  };
}

/**
 * @param text of the file that declares the table; undefined where there is none
 * @param others the other texts of the project
 */
export function declare(
  text: string | undefined,
  subject: PromoteSubject,
  others: readonly SourceText[] = [],
): { text: string; table: Table } {
  const { metric, column, type } = subject;
  const table = withMetric(subject);
  const entries = { [column]: metric === column ? type : { type, key: metric } };
  const place = (document: Document) => placeOf(document, subject);
  const isThere = subject.source.metrics.some(({ key }) => key === metric);
  const edited = isThere
    ? replaceInProject(text, (document) => typeNode(document, subject), type, table, others)
    : addToProject(text, { place, entries }, table, others);
  if (edited === undefined) throw cannotEdit(subject);
  return { text: edited, table };
}

/** Where the metrics of the source are declared. */
function placeOf(document: Document, { table, source }: PromoteSubject): (string | number)[] {
  const place: (string | number)[] = ['tables', table.name, 'metrics'];
  if (!isMap(document.getIn(place, true))) place.push(table.sources.indexOf(source));
  return [...place, 'columns'];
}

/** The node that has the type of a declared metric. */
function typeNode(document: Document, subject: PromoteSubject): unknown {
  const node = document.getIn([...placeOf(document, subject), subject.column], true);
  return isMap(node) ? node.get('type', true) : node;
}

function cannotEdit({ table, metric, column, type, source }: PromoteSubject): EdpError {
  const value = metric === column ? type : `{ type: ${type}, key: ${JSON.stringify(metric)} }`;
  return new EdpError('config', `${PROJECT_FILE} is not of a form that edp can edit`, {
    hint: `add by hand, under tables, ${table.name}, metrics (from: ${source.field}), columns: ${JSON.stringify(column)}: ${value}; then run the command again`,
  });
}
