/** What was imported → a new edp.yaml, or lines added to an existing one, under `tables:` and under `capture:`. */
import { isDeepStrictEqual } from 'node:util';
import { Document, isMap, parseDocument, visit } from 'yaml';
import { EdpError } from '../base/errors.js';
import { addEntries, indentLines } from '../project/edit.js';
import { parseProject } from '../project/parse.js';
import { quoteAmbiguous } from '../project/plain-names.js';
import type { SourceText } from '../project/project-part.js';
import { escapeVariables } from '../project/variables.js';
import { addTables, formatTables } from '../project/write-model.js';
import type { Import, ImportedTable } from './propose-import.js';

/** Of the address of the source, which may hold a password. */
export const URL_VARIABLE = 'SOURCE_URL';

/** Both sections, as YAML. */
export function formatImport(imported: Import, source: string): string {
  const { tables } = imported;
  return `tables:\n${indentLines(formatTables(tables), '  ')}${formatLeftOut(imported)}\n${formatCapture(tables, source)}`;
}

function formatLeftOut({ leftOut }: Import): string {
  return leftOut
    .map(({ schema, name, why }) => `  # ${oneLine(`${schema}.${name}`)} is left out: ${why}.\n`)
    .join('');
}

function formatCapture(tables: readonly ImportedTable[], source: string): string {
  const head = new Document({
    source: { name: source, 'database-url': `\${${URL_VARIABLE}}` },
    method: 'outbox',
  });
  const { contents } = head;
  if (isMap(contents)) {
    const own = contents.get('source', true);
    if (isMap(own)) own.flow = true;
  }
  quoteAmbiguous(head);
  const lines = `${head.toString({ lineWidth: 0 })}tables:\n${indentLines(formatCaptured(tables), '  ')}`;
  return `capture:\n${indentLines(lines, '  ')}`;
}

function formatCaptured(tables: readonly ImportedTable[]): string {
  return tables
    .map(({ name, capture }) => {
      const entry = new Document({ [name]: escapeVariables(capture) });
      quoteAmbiguous(entry);
      visit(entry, {
        Map(_, node, path) {
          // The table, its keys, and its columns stand on lines of their own.
          if (path.length > 5) node.flow = true;
        },
      });
      return entry.toString({ lineWidth: 0 });
    })
    .join('');
}

/**
 * @param text of the file; undefined where there is none
 * @param others what it includes
 * @param source what events call the source, where the file does not say it yet
 * @param url its address, which the file has as a variable
 * @returns the text with the tables
 * @throws EdpError `config` where the file cannot be edited
 */
export function addImport(
  text: string | undefined,
  imported: Import,
  file: string,
  others: readonly SourceText[],
  source: string,
  url: string,
): string {
  if (imported.tables.length === 0) return text ?? '';
  const withTables = addTables(text, imported.tables, { keepsBuiltin: false }, file, others);
  const edited = addCapture(withTables, imported, file, others, source);
  // The variable need not be there yet.
  const environment = { [URL_VARIABLE]: url, ...process.env };
  parseProject([{ name: file, text: edited }, ...others], environment);
  return edited;
}

function addCapture(
  text: string,
  imported: Import,
  file: string,
  others: readonly SourceText[],
  source: string,
): string {
  const { tables } = imported;
  const elsewhere = others.find((other) => parseDocument(other.text).has('capture'));
  if (elsewhere !== undefined) throw cannotEdit(elsewhere.name, tables);
  const before = parseDocument(text).toJS() as { readonly capture?: object };
  const newLine = text.includes('\r\n') ? '\r\n' : '\n';
  if (before.capture === undefined) {
    const added = `${formatLeftOut(imported)}\n${formatCapture(tables, source)}`;
    return `${text.trimEnd()}\n${added}`.replaceAll(/\r?\n/g, newLine);
  }
  const entries = Object.fromEntries(
    tables.map(({ name, capture }) => [name, escapeVariables(capture)]),
  );
  const wanted = withEntries(before, entries);
  const edits = addEntries(text, {
    place: () => ['capture', 'tables'],
    entries,
    lines: formatCaptured(tables),
    addsBuiltin: false,
  });
  for (const edited of edits) {
    if (isDeepStrictEqual(parseDocument(edited).toJS(), wanted)) return edited;
  }
  throw cannotEdit(file, tables);
}

function withEntries(project: object, entries: object): object {
  const { capture } = project as { capture: { readonly tables?: object } };
  return { ...project, capture: { ...capture, tables: { ...capture.tables, ...entries } } };
}

function cannotEdit(file: string, tables: readonly ImportedTable[]): EdpError {
  return new EdpError(
    'config',
    `the section capture of ${file} is not of a form that edp can edit`,
    {
      hint: `add by hand, under capture: tables:\n${formatCaptured(tables)}`,
    },
  );
}

/** A YAML comment ends with its line. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}
