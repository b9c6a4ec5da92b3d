/** `edp inspect`: describes a file before it is loaded. */
import { EdpError, EXIT } from '../base/errors.js';
import { summarizeForm } from '../formats/describe-file.js';
import { linesByKind } from '../formats/text/passed-over.js';
import { type Inspection, inspectFile } from '../infer/inspect.js';
import { resolveFileSettings, resolveOptions } from '../options/resolve-options.js';
import { withReadableFiles } from '../source/copies.js';
import { discoverFiles, totalBytes } from '../source/discover.js';
import {
  formatBytes,
  formatCount,
  formatNumber,
  type Output,
  safeText,
} from '../terminal/output.js';
import type { Command } from './command.js';
import { OPTION_NAMES } from './inspect.help.js';
import type { InspectJson } from './json/inspect.schema.js';
import { describeSettings, formRows, toSection } from './shared/file-form.js';
import { makeReadProgress } from './shared/read-progress.js';

const MAX_CELL_SHOWN = 24;
const MAX_COLUMNS_SHOWN = 12;

export const command: Command = {
  async run({ given, project, output, signal }) {
    const { whole, processCount } = resolveOptions(OPTION_NAMES, given, project.options);
    const settings = resolveFileSettings(given, project)();
    const files = await discoverFiles([String(given.file)], project.directory);
    const [file, another] = files;
    if (file === undefined || another !== undefined) {
      throw new EdpError(
        'usage',
        `these are ${files.length} files, of which ${file?.name ?? 'none'} is the first`,
        {
          hint: 'edp inspect reads one file at a time',
        },
      );
    }
    const progress = await makeReadProgress(output, await totalBytes(files));
    const options = { settings, processCount, isWhole: whole, progress, signal };
    const inspection = await withReadableFiles(
      project.directory,
      files,
      { note: (text) => output.note(text), signal },
      ([readable]) => inspectFile(readable!, options),
    ).finally(() => progress.stop());
    if (!output.isJson) print(inspection, output);
    output.result(toJson(inspection));
    return EXIT.done;
  },
};

function toJson(inspection: Inspection): InspectJson {
  const { description, why, columns } = inspection;
  return {
    command: 'inspect',
    ok: true,
    path: inspection.path,
    bytes: inspection.bytes,
    format: description.format,
    dialect: { ...summarizeForm(description), lineEnd: inspection.lineEnd },
    why: {
      format: why.format,
      delimiter: why.delimiter,
      quote: why.quote,
      escape: why.escape,
      lineEnd: why.lineEnd,
      header: why.header,
      linesBeforeHeader: why.skipLines,
      comment: why.comment,
      encoding: why.encoding,
      compression: why.compression,
    },
    csv: toSection(inspection),
    sample: inspection.sample,
    key: inspection.key ?? null,
    timeColumn: inspection.time ?? null,
    columns: columns.map((column) => ({
      name: column.name,
      header: column.header,
      type: column.type,
      ...(column.typeWithoutTokens === undefined
        ? {}
        : { typeWithoutNullTokens: column.typeWithoutTokens }),
      why: column.why,
      values: column.values,
      nulls: column.nulls,
      emptyStrings: column.emptyStrings,
      nullTokens: column.nullTokens,
      ...(column.metrics === undefined
        ? {}
        : {
            metrics: {
              path: column.metrics.path,
              keys: column.metrics.keys.map(({ name }) => name),
            },
          }),
      examples: column.examples,
    })),
    nullTokens: inspection.nullTokens,
    odd: inspection.odd,
    damage: description.form.breakage?.message ?? null,
    blankLines: inspection.between.blank?.lines ?? 0,
    commentLines: inspection.between.comment?.lines ?? 0,
    passedOver: linesByKind(inspection.passedOver),
    footer:
      inspection.footer === undefined
        ? null
        : { lines: inspection.footer.lines, text: inspection.footer.text },
    preview: inspection.preview,
  };
}

function print(inspection: Inspection, output: Output): void {
  const { path, bytes, sample, columns } = inspection;
  const whole = sample.isWhole
    ? 'all of them'
    : `a sample of ${formatBytes(sample.bytes)} (--whole reads all)`;
  output.line(
    `${path}: ${formatBytes(bytes)}; looked at ${formatNumber(sample.records, 'record')}, ${whole}`,
  );
  output.line();
  output.table(['form', '', 'why'], formRows(inspection));
  output.line();
  output.table(
    ['column', 'type', 'values', 'null', 'why'],
    columns.map(({ name, type, values, nulls, why: reason }) => [
      cut(name),
      type,
      formatCount(values),
      formatCount(nulls),
      reason,
    ]),
  );
  if (inspection.key !== undefined) {
    output.line(`key: ${cut(inspection.key)}, its values are unique`);
  }
  if (inspection.time !== undefined) output.line(`time: ${cut(inspection.time)}`);
  const odd = describeOdd(inspection);
  if (odd.length > 0) {
    output.line();
    output.table(['odd', 'number'], odd);
  }
  if (inspection.preview.length > 0) {
    output.line();
    output.table(
      columns.slice(0, MAX_COLUMNS_SHOWN).map(({ name }) => cut(name)),
      inspection.preview.map((fields) =>
        fields.slice(0, MAX_COLUMNS_SHOWN).map((field) => cut(field ?? '')),
      ),
    );
    if (columns.length > MAX_COLUMNS_SHOWN) {
      output.line(`and ${columns.length - MAX_COLUMNS_SHOWN} more columns`);
    }
  }
  output.line();
  for (const line of describeSettings(inspection)) output.line(line);
}

const PASSED_OVER = [
  ['blank', 'blank lines, passed over'],
  ['comment', 'comment lines, passed over'],
  ['header', 'the header line again, passed over'],
] as const;

function describeOdd({
  description,
  odd,
  between,
  footer,
  nullTokens,
}: Inspection): [string, string][] {
  const rows: [string, string][] = Object.entries(odd).map(([code, count]) => [
    `records: ${code}`,
    formatCount(count),
  ]);
  const { breakage } = description.form;
  if (breakage !== undefined) rows.unshift([`damage: ${safeText(breakage.message)}`, '']);
  for (const [kind, text] of PASSED_OVER) {
    const { lines } = between[kind] ?? { lines: 0 };
    if (lines > 0) rows.push([text, formatCount(lines)]);
  }
  if (footer !== undefined) {
    rows.push([
      `lines at the end that look like a footer (--skip-footer ${footer.lines}): ${cut(footer.text)}`,
      formatCount(footer.lines),
    ]);
  }
  for (const [word, count] of Object.entries(nullTokens)) {
    rows.push([`fields that may stand for NULL: ${word}`, formatCount(count)]);
  }
  return rows;
}

function cut(text: string): string {
  return text.length > MAX_CELL_SHOWN ? `${text.slice(0, MAX_CELL_SHOWN - 1)}…` : text;
}
