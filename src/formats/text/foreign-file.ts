/** Files that hold no records of text: what they seem to be, and what makes records of them. */
import { EdpError } from '../../base/errors.js';

interface Foreign {
  readonly what: string;
  readonly hint: string;
}

const EXPORT = 'edp reads CSV and JSON lines; export the data as one of them';
const UNPACK = 'unpack it, and name the files in it';
const DUCKDB = 'DuckDB writes it as CSV:';
const SPREADSHEET =
  'save each sheet as CSV (UTF-8) in the spreadsheet program, or run: libreoffice --headless --convert-to csv FILE';

/** First bytes → what begins so. */
const MAGIC: readonly (readonly [bytes: string, what: string, hint: string])[] = [
  ['%PDF-', 'a PDF document', EXPORT],
  ['\x89PNG\r\n\x1a\n', 'a PNG image', EXPORT],
  ['\xff\xd8\xff', 'a JPEG image', EXPORT],
  ['GIF8', 'a GIF image', EXPORT],
  ['PAR1', 'a Parquet file', `${DUCKDB} duckdb -c "COPY (FROM 'FILE') TO 'data.csv'"`],
  ['ARROW1\0', 'an Arrow file', EXPORT],
  ['ORC\x01', 'an ORC file', EXPORT],
  ['Obj\x01', 'an Avro file', EXPORT],
  ['\x89HDF\r\n\x1a\n', 'an HDF5 file', EXPORT],
  [
    'SQLite format 3\0',
    'an SQLite database',
    "sqlite3 writes a table as CSV: sqlite3 -header -csv FILE 'SELECT * FROM name' > name.csv",
  ],
  ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'an old Excel workbook or Office document', SPREADSHEET],
  ['PGDMP', 'a dump of pg_dump', 'restore it into PostgreSQL with pg_restore'],
  ['Rar!\x1a\x07', 'a RAR archive', UNPACK],
  ['7z\xbc\xaf\x27\x1c', 'a 7-Zip archive', UNPACK],
  [
    '\xfd7zXZ\0',
    'a file packed by xz',
    'unpack it, or pipe it in: xz -dc FILE | edp ingest - --table NAME',
  ],
  [
    '\x04\x22\x4d\x18',
    'a file packed by lz4',
    'unpack it, or pipe it in: lz4 -dc FILE | edp ingest - --table NAME',
  ],
  ['\x7fELF', 'a program', EXPORT],
  ['{\\rtf', 'a Rich Text document', EXPORT],
];

const TAR_MAGIC_AT = 257;

/** @param head the first bytes of the unpacked file @throws EdpError `not_csv` */
export function assertNoMagic(head: Buffer, name: string): void {
  const start = head.toString('latin1', 0, TAR_MAGIC_AT + 5);
  const found = MAGIC.find(([bytes]) => start.startsWith(bytes));
  if (found !== undefined) throw foreign(name, { what: found[1], hint: found[2] });
  if (start.startsWith('ustar', TAR_MAGIC_AT)) {
    throw foreign(name, {
      what: 'a tar archive',
      hint: 'unpack it, and name the files in it; or pipe one in: tar -xOf FILE ENTRY | edp ingest - --table NAME',
    });
  }
}

/** Files in archives of programs. */
const ARCHIVES: readonly (readonly [entry: RegExp, what: string, hint: string])[] = [
  [/^xl\//, 'an Excel workbook', SPREADSHEET],
  [/^(?:word|ppt)\//, 'an Office document', EXPORT],
  [/^META-INF\/MANIFEST\.MF$/, 'a Java archive', EXPORT],
  [/^content\.xml$/, 'an OpenDocument file', SPREADSHEET],
];

/** @param entries names of the files in a zip archive @throws EdpError `not_csv` */
export function assertPlainArchive(entries: readonly string[], name: string): void {
  const found = ARCHIVES.find(([entry]) => entries.some((file) => entry.test(file)));
  if (found !== undefined) throw foreign(name, { what: found[1], hint: found[2] });
}

/**
 * Whether a text is written in another language than that of records.
 *
 * @param head its first bytes, in any encoding with the characters of ASCII
 * @param isWhole whether they are all of it
 */
export function findForeignText(head: Buffer, isWhole: boolean): Foreign | undefined {
  const text = head.toString('latin1').replace(/^(?:\xef\xbb\xbf)?\s+|^\xef\xbb\xbf/, '');
  if (/^<(?:!doctype\s+html|html|head|body)[\s>]/i.test(text)) {
    return { what: 'an HTML page', hint: 'get the data itself, not the page that shows it' };
  }
  const isElement = /^<([\w:.-]+)(?:\s[^<>]*)?>\s*<[\w:.!/-]/.test(text) && text.includes('</');
  if (/^<\?xml\s/.test(text) || isElement) return { what: 'an XML document', hint: EXPORT };
  return findJson(text, isWhole) ?? (isSqlDump(text) ? SQL_DUMP : undefined);
}

const SQL_DUMP: Foreign = {
  what: 'SQL statements',
  hint: 'run them in their database, and export its tables as CSV: psql -c "\\copy name TO name.csv CSV HEADER"',
};
/** What dumps of databases begin with, behind their comments. */
const SQL_BEGIN =
  /^(?:create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?(?:table|database|schema|view|sequence|extension|type)\s[^,;]|insert\s+into\s+\S+\s*[(\s]|drop\s+(?:table|database)\s|set\s+[@\w.]+\s*(?:=|to)\s*[^;\n]*;|pragma\s+\w+\s*=|begin(?:\s+transaction)?\s*;|start\s+transaction\s*;|use\s+\S+;|lock\s+tables\s|copy\s+\S+\s*(?:\([^)]*\)\s*)?from\s+stdin|select\s+pg_catalog\.)/i;

function isSqlDump(text: string): boolean {
  const statement = text.replace(/^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/\s*;?)+/, '');
  return SQL_BEGIN.test(statement);
}

const JSON_LIST: Foreign = {
  what: 'a JSON array',
  hint: "JSON lines are read, an object in each: jq -c '.[]' FILE > data.jsonl",
};
const JSON_LISTS: Foreign = {
  what: 'JSON arrays, one in each line',
  hint: "make a CSV of them: jq -r '@csv' FILE > data.csv",
};
const JSON_DOCUMENT: Foreign = {
  what: 'a JSON document',
  hint: "JSON lines are read, an object in each: jq -c . FILE > data.jsonl, or jq -c '.records[]' for the list in it",
};

function findJson(text: string, isWhole: boolean): Foreign | undefined {
  if (text.startsWith('[')) {
    const [first = '', second = ''] = text.split(/\r?\n/, 2);
    if (isJson(first) && isJson(second)) return JSON_LISTS;
    const isListOfObjects = /^\[\s*(?:\{\s*(?:"|\})|\[\s*["\d{[-])/.test(text);
    const isList = isListOfObjects || /^\[\s*\n\s*["\d-]/.test(text) || (isWhole && isJson(text));
    return isList ? JSON_LIST : undefined;
  }
  // An object that ends in its line is a record.
  const [, first = ''] = /^(\{[^\n]*)/.exec(text) ?? [];
  const isBegun = /^\{\s*(?:"(?:[^"\\\n]|\\.)*"\s*:|$)/.test(first) && /^\{\s*"/.test(text);
  const isCut = !isWhole && !text.includes('\n');
  return isBegun && !isCut && !isJson(first) && isMember(text) ? JSON_DOCUMENT : undefined;
}

/** Whether the lines of a document go on as members do. */
function isMember(text: string): boolean {
  return /^\{\s*"(?:[^"\\\n]|\\.)*"\s*:\s*(?:[[{"\d-]|true|false|null)[^\n]*\n\s*(?:["}\]{[]|-?\d)/.test(
    text,
  );
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(Buffer.from(text, 'latin1').toString()) === 'object';
  } catch {
    return false;
  }
}

/** Share, and number, of control characters that no text has. */
const BINARY_SHARE = 0.03;
const MIN_BINARY_BYTES = 8;

/** Whether there are many bytes that text does not have, such as in random bytes. */
export function isBinary(head: Buffer): boolean {
  let controls = 0;
  for (const byte of head) {
    // From 0x1c on, and 0x01, they separate fields in some files.
    if ((byte < 0x1c && byte > 1 && (byte < 0x08 || byte > 0x0d)) || byte === 0x7f) controls++;
  }
  return controls >= MIN_BINARY_BYTES && controls > head.length * BINARY_SHARE;
}

export function foreign(name: string, { what, hint }: Foreign): EdpError {
  return new EdpError('not_csv', `${name} does not look like a CSV: it looks like ${what}`, {
    hint: hint.replaceAll('FILE', () => name),
  });
}
