/** How commands show the form of a file, and the settings for it. */
import { stringify } from 'yaml';
import type { CsvDescription } from '../../formats/csv/describe-csv.js';
import { describeDelimiter } from '../../formats/csv/detect/explain.js';
import type { Dialect } from '../../formats/csv/dialect.js';
import { toText } from '../../formats/text/transcode.js';
import type { Inspection } from '../../infer/inspect.js';
import { nameQuote } from '../../model/csv-settings.js';
import type { InspectJson } from '../json/inspect.schema.js';

/**
 * What was detected of a CSV file, as settings for `csv:` in edp.yaml; undefined for other files.
 */
export function toSection({ description, lineEnd }: Inspection): InspectJson['csv'] {
  if (description.format !== 'csv') return undefined;
  const {
    recordForm: { dialect },
    detection,
    form,
  } = description;
  return {
    delimiter: wordOrText(dialect),
    quote: nameQuote(dialect.quote),
    escape: dialect.escape,
    'line-end': lineEnd === 'mixed' || lineEnd === 'crlf' ? dialect.lineEnd : lineEnd,
    encoding: form.encoding,
    compression: form.compression,
    header: detection.hasHeader,
    'skip-lines': detection.skippedLines,
    comment: describeComment(dialect),
  };
}

/** The settings as lines of edp.yaml. */
export function describeSettings(inspection: Inspection): string[] {
  const { format } = inspection.description;
  if (format !== 'csv') {
    return [`In edp.yaml, under the table's name (as --format ${format}):`, `  format: ${format}`];
  }
  return [
    'In edp.yaml, under csv: (each is also an option, such as --delimiter):',
    stringify(toSection(inspection)).trimEnd().replace(/^/gm, '  '),
  ];
}

/** Property, value and reason. */
export function formRows({ description, lineEnd, why }: Inspection): (string | number)[][] {
  const { form, format } = description;
  const rows = [
    ['format', format, why.format],
    ['compression', form.compression, why.compression],
    ['encoding', form.markBytes > 0 ? `${form.encoding} with mark` : form.encoding, why.encoding],
  ];
  if (description.format !== 'csv') return [...rows, ['line end', lineEnd, 'as the format has it']];
  const {
    recordForm: { dialect },
    detection,
  } = description;
  const reasons = detection.why;
  return [
    ...rows,
    ['delimiter', describeDelimiter(dialect), reasons.delimiter],
    ['quote', dialect.quote === '' ? 'none' : dialect.quote, reasons.quote],
    ['escape', dialect.escape, reasons.escape],
    ['line end', lineEnd, reasons.lineEnd],
    ['lines before', detection.skippedLines, reasons.skipLines],
    ['header', describeHeader(description), reasons.header],
    ['comments', describeComment(dialect), reasons.comment],
  ];
}

function wordOrText(dialect: Dialect): string {
  const word = describeDelimiter(dialect);
  return word.startsWith('"') ? toText(dialect.delimiter, dialect.encoding) : word;
}

function describeComment({ comment, encoding }: Dialect): string {
  return comment === '' ? 'none' : toText(comment, encoding);
}

function describeHeader({ recordForm: { dialect }, detection }: CsvDescription): string {
  if (!detection.hasHeader) return 'no';
  if (detection.isHeaderShort) return 'yes, one field short';
  return dialect.hasTrailingDelimiter ? 'yes; each record ends in a delimiter' : 'yes';
}
