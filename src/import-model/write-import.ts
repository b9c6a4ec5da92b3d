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
  return `tables:\n${indentLines(formatTables(tables), '  ')}\n${formatCapture(imported, source)}`;
}

function formatLeftOut({ leftOut }: Import): string {
  return leftOut
    .map(({ schema, name, why }) => `# ${oneLine(`${schema}.${name}`)} is left out: ${why}.\n`)
    .join('');
}

/** With what is left out before it: in the column of a section, a comment belongs to no entry of another one. */
function formatCapture(imported: Import, source: string): string {
  const head = new Document({
    source: { name: source, 'database-url': `\${${URL_VARIABLE}}` },
    method: 'outbox',
  });
  const { contents } = head;
  if (isMap(contents)) {
    const own = contents.get('source', true);
    if (isMap(own)) {
      own.flow = true;
      own.comment = ' of the environment, since it may hold a password';
    }
  }
  quoteAmbiguous(head);
  const lines = `${head.toString({ lineWidth: 0 })}tables:\n${indentLines(formatCaptured(imported.tables), '  ')}`;
  return `${formatLeftOut(imported)}capture:\n${indentLines(lines, '  ')}`;
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
 * @returns the text with the tables, and whether its section `capture` is new
 * @throws EdpError `config` where the file cannot be edited
 */
export function addImport(
  text: string | undefined,
  imported: Import,
  file: string,
  others: readonly SourceText[],
  source: string,
  url: string,
): { readonly text: string; readonly addsCapture: boolean } {
  if (imported.tables.length === 0) return { text: text ?? '', addsCapture: false };
  const addsCapture = !parseDocument(text ?? '').has('capture');
  const withTables = addTables(text, imported.tables, { keepsBuiltin: false }, file, others);
  const edited = addsCapture
    ? appendCapture(withTables, imported, others, source)
    : extendCapture(withTables, imported, file);
  // The variable need not be there yet.
  const environment = { [URL_VARIABLE]: url, ...process.env };
  parseProject([{ name: file, text: edited }, ...others], environment);
  return { text: edited, addsCapture };
}

function appendCapture(
  text: string,
  imported: Import,
  others: readonly SourceText[],
  source: string,
): string {
  const elsewhere = others.find((other) => parseDocument(other.text).has('capture'));
  if (elsewhere !== undefined) throw cannotEdit(elsewhere.name, imported.tables);
  const newLine = text.includes('\r\n') ? '\r\n' : '\n';
  const added = `${text.trimEnd()}\n\n${formatCapture(imported, source)}`;
  return added.replaceAll(/\r?\n/g, newLine);
}

function extendCapture(text: string, { tables }: Import, file: string): string {
  const document = parseDocument(text);
  const before = document.toJS() as { readonly capture?: object };
  const entries = Object.fromEntries(
    tables.map(({ name, capture }) => [name, escapeVariables(capture)]),
  );
  const wanted = withEntries(before, entries);
  const edit = {
    place: () => ['capture', 'tables'],
    entries,
    lines: formatCaptured(tables),
    addsBuiltin: false,
  };
  const edits = addEntries(text, edit, document);
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
