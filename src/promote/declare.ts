/**
 * Declares a metric in edp.yaml, or writes one where there is none. Comments and order stay.
 *
 * Whatever the file looks like, the result is read again before it is written: it must say exactly what it
 * said before, and the metric.
 */
import path from 'node:path';
import { Document, isMap, isNode, parseDocument, stringify } from 'yaml';
import { EdpError } from '../errors.js';
import { BUILTIN_MODEL, BUILTIN_TABLES } from '../model/builtin.js';
import type { Table } from '../model/model.js';
import { toModel } from '../model/schema.js';
import { PROJECT_FILE } from '../project.js';
import { parseProject } from '../project-file.js';
import { readProjectText, replaceProjectFile } from '../project-text.js';
import { type PromoteSubject, withMetric } from './subject.js';

const NEW_FILE_COMMENT = ` The tables of this project: edp's built-in ones, and what was promoted.
 docs/model.md of the package explains the file.`;

/** A declaration that was tried, and can be written. */
export interface Declaration {
  /** The table as the file will have it. */
  readonly table: Table;
  /** Puts it into the file. @throws EdpError `config` */
  write(): Promise<void>;
}

/** @throws EdpError `config` where the file cannot be edited; it says what to write by hand */
export async function prepareDeclaration(
  directory: string,
  subject: PromoteSubject,
): Promise<Declaration> {
  const file = path.join(directory, PROJECT_FILE);
  const before = await readProjectText(file);
  const { table } = declare(before, subject);
  return {
    table,
    async write() {
      // Read anew: somebody may have written to it meanwhile.
      const current = await readProjectText(file);
      await replaceProjectFile(file, declare(current, subject).text, current);
    },
  };
}

/** @param text of edp.yaml; undefined where there is none */
export function declare(
  text: string | undefined,
  subject: PromoteSubject,
): { text: string; table: Table } {
  const expected = withMetric(subject);
  const project = parseProject(text ?? '');
  const before = project.tables;
  const wanted = (before === undefined ? BUILTIN_MODEL : toModel(before)).tables.map((table) =>
    table.name === expected.name ? expected : table,
  );
  const isRight = (edited: string) => {
    try {
      const { tables, options } = parseProject(edited);
      return (
        JSON.stringify(options) === JSON.stringify(project.options) &&
        JSON.stringify(toModel(tables ?? {}).tables) === JSON.stringify(wanted)
      );
    } catch {
      return false;
    }
  };
  for (const edit of [addLine, addNode]) {
    const edited = edit(text, subject, before === undefined);
    if (edited !== undefined && isRight(edited)) return { text: edited, table: expected };
  }
  throw cannotEdit(subject);
}

/** What edp.yaml says of the metric, by column. */
function entryOf({ metric, column, type }: PromoteSubject): object {
  return { [column]: metric === column ? type : { type, key: metric } };
}

/** Where the metrics of the source are declared. */
function placeOf(document: Document, { table, source }: PromoteSubject): (string | number)[] {
  const place: (string | number)[] = ['tables', table.name, 'metrics'];
  if (!isMap(document.getIn(place, true))) place.push(table.sources.indexOf(source));
  return [...place, 'columns'];
}

/** Puts a line (or an item of a flow map) behind the last metric, and touches nothing else. */
function addLine(
  text: string | undefined,
  subject: PromoteSubject,
  isBuiltin: boolean,
): string | undefined {
  if (text === undefined || isBuiltin) return undefined;
  const document = parseDocument(text);
  const columns = document.getIn(placeOf(document, subject), true);
  if (!isMap(columns)) return undefined;
  const first = columns.items[0]?.key;
  const last = columns.items.at(-1);
  const lastNode = isNode(last?.value) ? last.value : last?.key;
  if (!isNode(first) || !isNode(lastNode) || !first.range || !lastNode.range) return undefined;
  const whole = stringify(entryOf(subject), { collectionStyle: 'flow', lineWidth: 0 });
  const entry = whole.trim().slice(1, -1).trim();
  const end = text.slice(0, lastNode.range[1]).trimEnd().length;
  if (columns.flow === true) return `${text.slice(0, end)}, ${entry}${text.slice(end)}`;
  const lineStart = text.lastIndexOf('\n', first.range[0] - 1) + 1;
  const indent = text.slice(lineStart, first.range[0]);
  const lineEnd = /\r?\n|$/.exec(text.slice(end))!;
  const at = end + lineEnd.index;
  return `${text.slice(0, at)}${text.includes('\r\n') ? '\r\n' : '\n'}${indent}${entry}${text.slice(at)}`;
}

/** Changes the document and writes it anew, as YAML writes it; comments and order stay. */
function addNode(text: string | undefined, subject: PromoteSubject, isBuiltin: boolean): string {
  const document: Document = text === undefined ? new Document({}) : parseDocument(text);
  if (text === undefined) document.commentBefore = NEW_FILE_COMMENT;
  // A file that holds nothing but comments has no map yet.
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never;
  if (isBuiltin) document.set('tables', document.createNode(BUILTIN_TABLES));
  const [[column, value]] = Object.entries(entryOf(subject)) as [[string, unknown]];
  try {
    document.setIn([...placeOf(document, subject), column], document.createNode(value));
  } catch (error) {
    throw cannotEdit(subject, error);
  }
  const edited = document.toString({ lineWidth: 0 });
  return text?.includes('\r\n') === true ? edited.replaceAll('\n', '\r\n') : edited;
}

function cannotEdit(
  { table, metric, column, type, source }: PromoteSubject,
  cause?: unknown,
): EdpError {
  const value = metric === column ? type : `{ type: ${type}, key: ${JSON.stringify(metric)} }`;
  return new EdpError('config', `${PROJECT_FILE} is not of a form that edp can edit`, {
    hint: `add by hand, under tables, ${table.name}, metrics (from: ${source.field}), columns: ${JSON.stringify(column)}: ${value}; then run the command again`,
    cause,
  });
}
