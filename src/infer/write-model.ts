/**
 * Proposed tables → the text of an edp.yaml, or more lines in one that is there: nothing else in it is
 * touched. Whatever the file looks like, the result is read again before it is written: it must say exactly
 * what it said before, and the new tables.
 */
import path from 'node:path';
import { Document, isMap, isNode, parseDocument, type Scalar, YAMLMap } from 'yaml';
import { EdpError } from '../base/errors.js';
import { BUILTIN_MODEL, BUILTIN_TABLES } from '../model/builtin.js';
import type { Table } from '../model/model.js';
import { toModel } from '../model/schema.js';
import { readProjectText, replaceProjectFile } from '../project/file.js';
import { parseProject } from '../project/parse.js';
import type { Proposal } from './propose.js';

const NEW_FILE_COMMENT = `# The tables of this project, beside which edp has no others.
# docs/model.md of the package explains the file.
`;

/** Longer comments are for --json and edp inspect. */
const MAX_COMMENT = 100;

/** `tables:` with the tables, as YAML. */
export function formatModel(proposals: readonly Proposal[]): string {
  return `tables:\n${indent(formatTables(proposals), '  ')}`;
}

function formatTables(proposals: readonly Proposal[]): string {
  return proposals.map(formatTable).join('\n');
}

function formatTable({ name, input, comments }: Proposal): string {
  const document = new Document({ [name]: input });
  const table = document.get(name) as YAMLMap;
  const columns = table.get('columns') as YAMLMap;
  for (const { key, value } of columns.items) {
    if (value instanceof YAMLMap) value.flow = true;
    const comment = comments.get(String((key as Scalar).value));
    if (comment !== undefined) (value as Scalar | YAMLMap).comment = ` ${shorten(comment)}`;
  }
  const csv = table.get('csv');
  if (csv instanceof YAMLMap) csv.flow = true;
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function shorten(comment: string): string {
  // A comment ends with its line, whatever stands in it.
  const line = comment.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
  return line.length > MAX_COMMENT ? `${line.slice(0, MAX_COMMENT)}…` : line;
}

/** Lines as YAML has them: to a regular expression, U+2028 would end one, too. */
function indent(text: string, by: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : by + line))
    .join('\n');
}

export interface WriteOptions {
  /** Whether edp's own tables are to stay, where the file declares none so far. */
  readonly keepsBuiltin: boolean;
}

/** Puts the tables into the file, or makes it. @throws EdpError `config`, `model` */
export async function writeModel(
  file: string,
  proposals: readonly Proposal[],
  options: WriteOptions,
): Promise<void> {
  const before = await readProjectText(file);
  await replaceProjectFile(file, addTables(before, proposals, options, file), before);
}

/**
 * @param text of the file; undefined where there is none
 * @returns the text with the tables
 * @throws EdpError `config` where a table is there already, or the file cannot be edited
 */
export function addTables(
  text: string | undefined,
  proposals: readonly Proposal[],
  { keepsBuiltin }: WriteOptions,
  file: string,
): string {
  const shown = path.basename(file);
  const project = parseProject(text ?? '');
  const own = project.tables === undefined ? undefined : toModel(project.tables).tables;
  // A file that declares no tables goes with the built-in ones: it must not lose them.
  const before = own ?? (text !== undefined || keepsBuiltin ? BUILTIN_MODEL.tables : []);
  for (const { name } of proposals) {
    if (before.every((table) => table.name !== name)) continue;
    throw new EdpError('config', `table "${name}" is declared already`, {
      place: shown,
      hint: `take another name with --table, or remove the table from ${shown} first; without --out, the model is printed and can be compared`,
    });
  }
  const wanted = [...before, ...proposals.map(({ table }) => table)];
  const isRight = (edited: string) => {
    try {
      const { tables, options, csv } = parseProject(edited);
      return (
        JSON.stringify(options) === JSON.stringify(project.options) &&
        JSON.stringify(csv) === JSON.stringify(project.csv) &&
        haveSameTables(toModel(tables ?? {}).tables, wanted)
      );
    } catch {
      return false;
    }
  };
  const addsBuiltin = own === undefined && before.length > 0;
  for (const edit of [addLines, addNodes]) {
    const edited = edit(text, proposals, addsBuiltin);
    if (edited !== undefined && isRight(edited)) return edited;
  }
  throw new EdpError('config', `${shown} is not of a form that edp can edit`, {
    hint: `add by hand, under tables:\n${formatTables(proposals)}`,
  });
}

function haveSameTables(a: readonly Table[], b: readonly Table[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Puts lines behind the last table, or at the end of the file, and touches nothing else. */
function addLines(
  text: string | undefined,
  proposals: readonly Proposal[],
  addsBuiltin: boolean,
): string | undefined {
  const eol = text?.includes('\r\n') === true ? '\r\n' : '\n';
  const asFile = (lines: string) => lines.replaceAll('\n', eol);
  const document = parseDocument(text ?? '');
  const tables = document.get('tables', true);
  if (tables === undefined) {
    if (document.contents !== null && !isMap(document.contents)) return undefined;
    const builtin = addsBuiltin ? `${new Document(BUILTIN_TABLES).toString()}\n` : '';
    const block = `tables:\n${indent(builtin + formatTables(proposals), '  ')}`;
    if (text === undefined) return `${NEW_FILE_COMMENT}${block}`;
    const start = text.trimEnd() === '' ? '' : `${text.trimEnd()}${eol}${eol}`;
    return start + asFile(block);
  }
  if (!isMap(tables) || tables.flow === true) return undefined;
  const first = tables.items[0]?.key;
  const last = tables.items.at(-1);
  const lastNode = isNode(last?.value) ? last.value : last?.key;
  if (!isNode(first) || !isNode(lastNode) || !first.range || !lastNode.range) return undefined;
  const source = text!;
  const lineStart = source.lastIndexOf('\n', first.range[0] - 1) + 1;
  const indentation = source.slice(lineStart, first.range[0]);
  // Behind the last table, and what stands behind it in its line.
  const end = source.slice(0, lastNode.range[1]).trimEnd().length;
  const lineEnd = end + /\r?\n|$/.exec(source.slice(end))!.index;
  const block = asFile(indent(`\n${formatTables(proposals)}`, indentation).trimEnd());
  return `${source.slice(0, lineEnd)}${eol}${block}${source.slice(lineEnd) || eol}`;
}

/** Changes the document and writes it anew, as YAML writes it; comments and order stay. */
function addNodes(
  text: string | undefined,
  proposals: readonly Proposal[],
  addsBuiltin: boolean,
): string | undefined {
  const document: Document = parseDocument(text ?? '');
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never;
  try {
    if (addsBuiltin) document.set('tables', document.createNode(BUILTIN_TABLES));
    for (const { name, input } of proposals) {
      document.setIn(['tables', name], document.createNode(input));
    }
    const edited = document.toString({ lineWidth: 0 });
    return text?.includes('\r\n') === true ? edited.replaceAll('\n', '\r\n') : edited;
  } catch {
    return undefined;
  }
}
