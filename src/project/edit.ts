/**
 * More declarations in edp.yaml, or an edp.yaml where there is none. Comments and order stay.
 *
 * Whatever the file looks like, the result is read again before it is written: it must say exactly what it
 * said before, and what was added.
 */
import { type Document, isMap, isNode, parseDocument, stringify } from 'yaml';
import { BUILTIN_MODEL, BUILTIN_TABLES } from '../model/builtin.js';
import type { Table } from '../model/model.js';
import { toModel } from '../model/schema.js';
import { parseProject } from './parse.js';

const NEW_FILE_COMMENT = `# The tables of this project, beside which edp has no others.
# docs/model.md of the package explains the file.
`;

/** More entries of a map, such as the columns of a table. */
export interface Addition {
  /** Where the map is. */
  place(document: Document): readonly (string | number)[];
  readonly entries: Readonly<Record<string, unknown>>;
}

/** The same, as `editProject` takes it. */
export interface Edit extends Addition {
  /** The entries as YAML, where a line for each does not do; an empty line at its beginning stays. */
  readonly lines?: string;
  /** Whether edp's own tables come into the file first, which declares none. */
  readonly addsBuiltin: boolean;
}

/** Tables that the file declares; undefined where it declares none. @throws EdpError `config` */
export function listDeclared(text: string | undefined): readonly Table[] | undefined {
  const { tables } = parseProject(text ?? '');
  return tables === undefined ? undefined : toModel(tables).tables;
}

/**
 * Widens one table.
 *
 * @param text of edp.yaml; undefined where there is none
 * @param expected the table that is added to, as it is to be read from the result
 * @returns undefined where the file is not of a form that can be edited
 */
export function addToProject(
  text: string | undefined,
  addition: Addition,
  expected: Table,
): string | undefined {
  const declared = listDeclared(text);
  const wanted = (declared ?? BUILTIN_MODEL.tables).map((table) =>
    table.name === expected.name ? expected : table,
  );
  return editProject(text, { ...addition, addsBuiltin: declared === undefined }, wanted);
}

/**
 * @param text of edp.yaml; undefined where there is none
 * @param wanted all tables, as they are to be read from the result
 * @returns undefined where the file is not of a form that can be edited
 */
export function editProject(
  text: string | undefined,
  edit: Edit,
  wanted: readonly Table[],
): string | undefined {
  const before = parseProject(text ?? '');
  const isRight = (edited: string) => {
    try {
      const { options, csv, tables } = parseProject(edited);
      return (
        JSON.stringify(options) === JSON.stringify(before.options) &&
        JSON.stringify(csv) === JSON.stringify(before.csv) &&
        JSON.stringify(toModel(tables ?? {}).tables) === JSON.stringify(wanted)
      );
    } catch {
      return false;
    }
  };
  for (const apply of [addLines, addNodes]) {
    const edited = apply(text, edit);
    if (edited !== undefined && isRight(edited)) return edited;
  }
  return undefined;
}

/** Lines as YAML has them: to a regular expression, U+2028 would end one, too. */
export function indentLines(text: string, by: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : by + line))
    .join('\n');
}

/** Puts lines (or items of a flow map) behind the last entry, and touches nothing else. */
function addLines(text: string | undefined, edit: Edit): string | undefined {
  const newLine = text?.includes('\r\n') === true ? '\r\n' : '\n';
  const asFile = (lines: string) => lines.replaceAll('\n', newLine);
  const lines = edit.lines ?? toEntries(edit).join('\n');
  if (parseDocument(text ?? '').get('tables') === undefined) {
    const before =
      text === undefined
        ? NEW_FILE_COMMENT
        : text.trimEnd() === ''
          ? ''
          : `${text.trimEnd()}${newLine}${newLine}`;
    const tables = edit.addsBuiltin ? stringify(BUILTIN_TABLES) : `${lines.trim()}\n`;
    const whole = before + asFile(`tables:\n${indentLines(tables, '  ')}`);
    return edit.addsBuiltin ? addLines(whole, { ...edit, addsBuiltin: false }) : whole;
  }
  const source = text!;
  const document = parseDocument(source);
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
  // Behind the last entry, and what stands behind it in its line.
  const lineEnd = end + /\r?\n|$/.exec(source.slice(end))!.index;
  const block = asFile(indentLines(lines.trimEnd(), indentation));
  return `${source.slice(0, lineEnd)}${newLine}${block}${source.slice(lineEnd) || newLine}`;
}

/** Each entry in one line. */
function toEntries({ entries }: Addition): string[] {
  return Object.entries(entries).map(([name, value]) => {
    const whole = stringify({ [name]: value }, { collectionStyle: 'flow', lineWidth: 0 });
    return whole.trim().slice(1, -1).trim();
  });
}

/** Changes the document and writes it anew, as YAML writes it; comments and order stay. */
function addNodes(text: string | undefined, edit: Edit): string | undefined {
  const document: Document = parseDocument(text ?? '');
  // A file that holds nothing but comments has no map yet.
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never;
  try {
    if (edit.addsBuiltin) document.set('tables', document.createNode(BUILTIN_TABLES));
    for (const [name, value] of Object.entries(edit.entries)) {
      document.setIn([...edit.place(document), name], document.createNode(value));
    }
  } catch {
    return undefined;
  }
  const edited = document.toString({ lineWidth: 0 });
  return text?.includes('\r\n') === true ? edited.replaceAll('\n', '\r\n') : edited;
}
