/**
 * Adds declarations to edp.yaml, or creates it. Comments and order do not change.
 *
 * The result is parsed before it is written: it must have exactly the old declarations and the new
 * ones.
 */
import {
  Document,
  isMap,
  isNode,
  isScalar,
  type Node,
  parseDocument,
  type Scalar,
  stringify,
  type YAMLMap,
} from 'yaml';
import { BUILTIN_MODEL, BUILTIN_TABLES } from '../model/builtin.js';
import type { Table } from '../model/model.js';
import { toModel } from '../model/schema.js';
import { PROJECT_FILE } from './file.js';
import { parseProject } from './parse.js';
import { quoteAmbiguous } from './plain-names.js';
import type { SourceText } from './project-part.js';

const NEW_FILE_COMMENT = `# The tables of this project, beside which edp has no others.
# docs/model.md of the package explains the file.
`;

/** More entries of a map, such as the columns of a table. */
export interface Addition {
  /** Path of the map. */
  place(document: Document): readonly (string | number)[];
  readonly entries: Readonly<Record<string, unknown>>;
}

/** The same, as `editProject` takes it. */
export interface Edit extends Addition {
  /**
   * The entries as YAML, if they need more than a line each; an empty line at the beginning is
   * kept.
   */
  readonly lines?: string;
  /** Whether to add the built-in tables first, because the file declares none. */
  readonly addsBuiltin: boolean;
}

/**
 * Tables that the file and the others declare; undefined for none. @throws EdpError `config`
 */
export function listDeclared(
  text: string | undefined,
  others: readonly SourceText[] = [],
): readonly Table[] | undefined {
  const { tables } = parseProject(together(text, others));
  return tables === undefined ? undefined : toModel(tables).tables;
}

/**
 * Widens one table.
 *
 * @param text text of edp.yaml; undefined if there is none
 * @param expected the extended table, as the result must declare it
 * @param others the other texts of the project
 * @returns undefined if the form of the file cannot be edited
 */
export function addToProject(
  text: string | undefined,
  addition: Addition,
  expected: Table,
  others: readonly SourceText[] = [],
): string | undefined {
  const declared = listDeclared(text, others);
  const wanted = (declared ?? BUILTIN_MODEL.tables).map((table) =>
    table.name === expected.name ? expected : table,
  );
  return editProject(text, { ...addition, addsBuiltin: declared === undefined }, wanted, others);
}

/**
 * Replaces one word of a table, and nothing else.
 *
 * @param find the node of the word
 * @param expected the table, as the result must declare it
 * @param others the other texts of the project
 * @returns undefined if the form of the file cannot be edited
 */
export function replaceInProject(
  text: string | undefined,
  find: (document: Document) => unknown,
  word: string,
  expected: Table,
  others: readonly SourceText[] = [],
): string | undefined {
  const node = find(parseDocument(text ?? ''));
  if (!isScalar(node) || !node.range) return undefined;
  const [start, end] = node.range;
  const edited = `${text!.slice(0, start)}${word}${text!.slice(end)}`;
  const wanted = listDeclared(text, others)?.map((table) =>
    table.name === expected.name ? expected : table,
  );
  try {
    const declared = listDeclared(edited, others);
    return JSON.stringify(declared) === JSON.stringify(wanted) ? edited : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param text text of edp.yaml; undefined if there is none
 * @param wanted all tables, as the result must declare them
 * @param others the other texts of the project
 * @returns undefined if the form of the file cannot be edited
 */
export function editProject(
  text: string | undefined,
  edit: Edit,
  wanted: readonly Table[],
  others: readonly SourceText[] = [],
): string | undefined {
  const before = parseProject(together(text, others));
  const isRight = (edited: string) => {
    try {
      const { options, csv, tables } = parseProject(together(edited, others));
      return (
        JSON.stringify(options) === JSON.stringify(before.options) &&
        JSON.stringify(csv) === JSON.stringify(before.csv) &&
        JSON.stringify(byName(toModel(tables ?? {}).tables)) === JSON.stringify(byName(wanted))
      );
    } catch {
      return false;
    }
  };
  for (const edited of addEntries(text, edit)) {
    if (isRight(edited)) return edited;
  }
  return undefined;
}

/**
 * The text with more entries of a map, in each way that edp knows, the one that changes least first. The caller reads
 * them again, and takes the first that says what it should.
 *
 * @param document the text, parsed; it is not changed
 */
export function* addEntries(
  text: string | undefined,
  edit: Edit,
  document: Document = parseDocument(text ?? ''),
): Generator<string> {
  const byLines = addLines(text, edit, document);
  if (byLines !== undefined) yield byLines;
  const byNodes = addNodes(text, edit);
  if (byNodes !== undefined) yield byNodes;
}

function byName(tables: readonly Table[]): Table[] {
  return [...tables].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function together(text: string | undefined, others: readonly SourceText[]): SourceText[] {
  return [{ name: PROJECT_FILE, text: text ?? '' }, ...others];
}

/** Lines as YAML has them: to a regular expression, U+2028 would end one, too. */
export function indentLines(text: string, by: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : by + line))
    .join('\n');
}

/** Adds lines (or items of a flow map) after the last entry, and changes nothing else. */
function addLines(text: string | undefined, edit: Edit, document: Document): string | undefined {
  const newLine = text?.includes('\r\n') === true ? '\r\n' : '\n';
  const asFile = (lines: string) => lines.replaceAll('\n', newLine);
  const lines = edit.lines ?? toEntries(edit).join('\n');
  if (document.get('tables') === undefined) {
    const before =
      text === undefined
        ? NEW_FILE_COMMENT
        : text.trimEnd() === ''
          ? ''
          : `${text.trimEnd()}${newLine}${newLine}`;
    const tables = edit.addsBuiltin ? stringify(BUILTIN_TABLES) : `${lines.trim()}\n`;
    const whole = before + asFile(`tables:\n${indentLines(tables, '  ')}`);
    if (!edit.addsBuiltin) return whole;
    return addLines(whole, { ...edit, addsBuiltin: false }, parseDocument(whole));
  }
  const source = text!;
  const map = document.getIn(edit.place(document), true);
  if (!isMap(map)) return undefined;
  const first = map.items[0]?.key;
  const last = map.items.at(-1);
  const lastNode = isNode(last?.value) ? last.value : last?.key;
  if (!isNode(first) || !isNode(lastNode) || !first.range || !lastNode.range) return undefined;
  const end = source.slice(0, lastNode.range[1]).trimEnd().length;
  if (map.flow === true) {
    return `${source.slice(0, end)}, ${toEntries(edit).join(', ')}${source.slice(end)}`;
  }
  const lineStart = source.lastIndexOf('\n', first.range[0] - 1) + 1;
  const indentation = source.slice(lineStart, first.range[0]);
  // After the last entry and the rest of its line.
  const lineEnd = end + /\r?\n|$/.exec(source.slice(end))!.index;
  const block = asFile(indentLines(lines.trimEnd(), indentation));
  return `${source.slice(0, lineEnd)}${newLine}${block}${source.slice(lineEnd) || newLine}`;
}

/** Each entry in one line. */
function toEntries({ entries }: Addition): string[] {
  return Object.entries(entries).map(([name, value]) => {
    const entry = new Document({ [name]: value });
    quoteAmbiguous(entry);
    const whole = entry.toString({ collectionStyle: 'flow', lineWidth: 0 });
    return whole.trim().slice(1, -1).trim();
  });
}

/** Changes the document and serializes it again; comments and order are kept. */
function addNodes(text: string | undefined, edit: Edit): string | undefined {
  const document: Document = parseDocument(text ?? '');
  // A file with comments only has no map yet.
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never;
  try {
    if (edit.addsBuiltin) document.set('tables', document.createNode(BUILTIN_TABLES));
    for (const [name, value] of Object.entries(edit.entries)) {
      const entry = new Document({ [name]: value });
      quoteAmbiguous(entry);
      const [pair] = (entry.contents as unknown as YAMLMap<Scalar, Node>).items;
      document.addIn(edit.place(document), pair);
    }
  } catch {
    return undefined;
  }
  const edited = document.toString({ lineWidth: 0 });
  return text?.includes('\r\n') === true ? edited.replaceAll('\n', '\r\n') : edited;
}
