/**
 * More declarations in edp.yaml, or an edp.yaml where there is none. Comments and order stay.
 *
 * Whatever the file looks like, the result is read again before it is written: it must say exactly what it
 * said before, and what was added.
 */
import { Document, isMap, isNode, parseDocument, stringify } from 'yaml';
import { BUILTIN_MODEL, BUILTIN_TABLES } from '../model/builtin.js';
import type { Table } from '../model/model.js';
import { toModel } from '../model/schema.js';
import { parseProject } from './parse.js';

const NEW_FILE_COMMENT = ` The tables of this project: edp's built-in ones, and what was added to them.
 docs/model.md of the package explains the file.`;

/** More entries of a map, such as the columns of a table. */
interface Addition {
  /** Where the map is. */
  place(document: Document): readonly (string | number)[];
  readonly entries: Readonly<Record<string, unknown>>;
}

/**
 * @param text of edp.yaml; undefined where there is none
 * @param expected the table that is added to, as it is to be read from the result
 * @returns undefined where the file is not of a form that can be edited
 */
export function addToProject(
  text: string | undefined,
  addition: Addition,
  expected: Table,
): string | undefined {
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
  const edits = [addLines, addNodes].map((edit) => edit(text, addition, before === undefined));
  return edits.find((edited) => edited !== undefined && isRight(edited));
}

/** Puts lines (or items of a flow map) behind the last entry, and touches nothing else. */
function addLines(
  text: string | undefined,
  { place, entries }: Addition,
  isBuiltin: boolean,
): string | undefined {
  if (text === undefined || isBuiltin) return undefined;
  const document = parseDocument(text);
  const map = document.getIn(place(document), true);
  if (!isMap(map)) return undefined;
  const first = map.items[0]?.key;
  const last = map.items.at(-1);
  const lastNode = isNode(last?.value) ? last.value : last?.key;
  if (!isNode(first) || !isNode(lastNode) || !first.range || !lastNode.range) return undefined;
  const written = Object.entries(entries).map(([name, value]) => {
    const whole = stringify({ [name]: value }, { collectionStyle: 'flow', lineWidth: 0 });
    return whole.trim().slice(1, -1).trim();
  });
  const end = text.slice(0, lastNode.range[1]).trimEnd().length;
  if (map.flow === true) return `${text.slice(0, end)}, ${written.join(', ')}${text.slice(end)}`;
  const lineStart = text.lastIndexOf('\n', first.range[0] - 1) + 1;
  const indent = text.slice(lineStart, first.range[0]);
  const lineEnd = /\r?\n|$/.exec(text.slice(end))!;
  const at = end + lineEnd.index;
  const newLine = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = written.map((entry) => `${newLine}${indent}${entry}`);
  return `${text.slice(0, at)}${lines.join('')}${text.slice(at)}`;
}

/** Changes the document and writes it anew, as YAML writes it; comments and order stay. */
function addNodes(
  text: string | undefined,
  { place, entries }: Addition,
  isBuiltin: boolean,
): string | undefined {
  const document: Document = text === undefined ? new Document({}) : parseDocument(text);
  if (text === undefined) document.commentBefore = NEW_FILE_COMMENT;
  // A file that holds nothing but comments has no map yet.
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never;
  if (isBuiltin) document.set('tables', document.createNode(BUILTIN_TABLES));
  try {
    for (const [name, value] of Object.entries(entries)) {
      document.setIn([...place(document), name], document.createNode(value));
    }
  } catch {
    return undefined;
  }
  const edited = document.toString({ lineWidth: 0 });
  return text?.includes('\r\n') === true ? edited.replaceAll('\n', '\r\n') : edited;
}
