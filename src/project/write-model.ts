/**
 * Proposed tables → a new edp.yaml, or lines added to an existing one; nothing else in it changes.
 * The result is read again before it is written: it must declare exactly what it declared before,
 * and the new tables.
 */
import path from 'node:path';
import { Document, type Scalar, YAMLMap } from 'yaml';
import type { z } from 'zod';
import { EdpError } from '../base/errors.js';
import { BUILTIN_MODEL } from '../model/builtin.js';
import { findTable, type Table } from '../model/model.js';
import type { tablesSchema } from '../model/schema.js';
import { editProject, indentLines, listDeclared } from './edit.js';
import { editProjectFile } from './editable.js';
import { quoteAmbiguous } from './plain-names.js';
import type { SourceText } from './project-part.js';
import { escapeVariables } from './variables.js';

export type TableDeclaration = z.input<typeof tablesSchema>[string];

/** A table to be written. */
export interface TableEntry {
  readonly name: string;
  /** As it is written in edp.yaml, and as it is read from there. */
  readonly input: TableDeclaration;
  readonly table: Table;
  /** By column of `input`, a comment for the reader. */
  readonly comments: ReadonlyMap<string, string>;
  /** Comments before it. */
  readonly remarks?: readonly string[];
}

/** Longer comments are cut; --json and edp inspect show them in full. */
const MAX_COMMENT = 100;

/** `tables:` with the tables, as YAML. */
export function formatModel(proposals: readonly Omit<TableEntry, 'table'>[]): string {
  return `tables:\n${indentLines(formatTables(proposals), '  ')}`;
}

export function formatTables(proposals: readonly Omit<TableEntry, 'table'>[]): string {
  return proposals.map(formatTable).join('\n');
}

function formatTable({ name, input, comments, remarks = [] }: Omit<TableEntry, 'table'>): string {
  const document = new Document({ [name]: escapeVariables(input) });
  quoteAmbiguous(document);
  const table = document.get(name) as YAMLMap;
  const columns = table.get('columns') as YAMLMap;
  for (const { key, value } of columns.items) {
    if (value instanceof YAMLMap) value.flow = true;
    const comment = comments.get(String((key as Scalar).value));
    if (comment !== undefined) (value as Scalar | YAMLMap).comment = ` ${shorten(comment)}`;
  }
  const csv = table.get('csv');
  if (csv instanceof YAMLMap) csv.flow = true;
  if (remarks.length > 0)
    document.commentBefore = remarks.map((text) => ` ${shorten(text)}`).join('\n');
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function shorten(comment: string): string {
  // A YAML comment ends with its line, so line ends in it are replaced.
  const line = comment.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
  return line.length > MAX_COMMENT ? `${line.slice(0, MAX_COMMENT)}…` : line;
}

export interface WriteOptions {
  /** Whether the built-in tables are kept, where the file declares no tables so far. */
  readonly keepsBuiltin: boolean;
}

/** Adds the tables to the file, or creates it. @throws EdpError `config`, `model` */
export async function writeModel(
  file: string,
  proposals: readonly TableEntry[],
  options: WriteOptions,
): Promise<void> {
  await editProjectFile(file, undefined, ({ text, others }) =>
    addTables(text, proposals, options, file, others),
  );
}

/**
 * @param text of the file; undefined where there is no file
 * @param others what it includes
 * @returns the text with the tables
 * @throws EdpError `config` where a table exists already, or the file cannot be edited
 */
export function addTables(
  text: string | undefined,
  proposals: readonly TableEntry[],
  { keepsBuiltin }: WriteOptions,
  file: string,
  others: readonly SourceText[] = [],
): string {
  const shown = path.basename(file);
  const own = listDeclared(text, others);
  // A file that declares no tables uses the built-in ones, and must not lose them.
  const before = own ?? (text !== undefined || keepsBuiltin ? BUILTIN_MODEL.tables : []);
  for (const { name } of proposals) {
    if (findTable({ tables: before }, name) === undefined) continue;
    throw new EdpError('config', `table "${name}" is declared already`, {
      place: shown,
      hint: `take another name with --table, or remove the table from ${shown} first; without --out, the model is printed and can be compared`,
    });
  }
  const edited = editProject(
    text,
    {
      place: () => ['tables'],
      entries: Object.fromEntries(
        proposals.map(({ name, input }) => [name, escapeVariables(input)]),
      ),
      lines: `\n${formatTables(proposals)}`,
      addsBuiltin: own === undefined && before.length > 0,
    },
    [...before, ...proposals.map(({ table }) => table)],
    others,
  );
  if (edited !== undefined) return edited;
  throw new EdpError('config', `${shown} is not of a form that edp can edit`, {
    hint: `add by hand, under tables:\n${formatTables(proposals)}`,
  });
}
