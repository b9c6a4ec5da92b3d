/** The format of a report, by the name of the file that it is written to. */
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { FORMATS, type FormatName } from './format/report-format.js';

/** Of files that are not reports of edp, whatever `--format` says. */
const OTHER_SUFFIXES: ReadonlySet<string> = new Set([
  ...['htm', 'xml', 'xls', 'ods', 'avro', 'tsv', 'jsonl', 'ndjson'],
  ...['md', 'yaml', 'yml', 'pdf', 'sql', 'gz', 'zip', 'zst', 'bz2'],
]);

/**
 * @param file that the user named
 * @param specified the format that the user specified together with it
 * @param usual the format where neither says one
 * @throws EdpError `usage` where the suffix is of another format
 */
export function formatOfFile(
  file: string,
  specified: FormatName | undefined,
  usual: FormatName,
): FormatName {
  const suffix = path.extname(file).slice(1).toLowerCase();
  const names = Object.keys(FORMATS) as FormatName[];
  const named = names.find((name) => FORMATS[name].extension === suffix);
  if (named !== undefined && (specified === undefined || specified === named)) return named;
  const works = names.map((name) => `.${FORMATS[name].extension} (${name})`).join(', ');
  if (named !== undefined) {
    throw new EdpError('usage', `--format ${specified} contradicts the suffix of ${file}`, {
      hint: `omit --format, or take the suffix of that format: ${works}`,
    });
  }
  // `report.2024` has no suffix that means a format.
  const isFormat =
    OTHER_SUFFIXES.has(suffix) || (specified === undefined && /^[a-z]+$/.test(suffix));
  if (!isFormat) return specified ?? usual;
  throw new EdpError('usage', `no report is written as .${suffix}: ${file}`, {
    hint: `the suffixes of reports are ${works}`,
  });
}
