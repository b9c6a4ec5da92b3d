/** `edp generate-report`: lists the reports, or writes one. */
import { EdpError, EXIT } from '../base/errors.js';
import type { OptionValues } from '../options/option-definitions.js';
import { resolveOptions } from '../options/resolve-options.js';
import type { CacheUse } from '../report/cache/report-cache.js';
import { type CatalogEntry, describeNames, findReport, readCatalog } from '../report/catalog.js';
import {
  chooseDestination,
  type Destination,
  isSpecialFile,
  reportFileName,
  type Write,
  withOutputFile,
} from '../report/destination.js';
import { formatOfFile } from '../report/file-format.js';
import { FORMATS, type FormatName } from '../report/format/report-format.js';
import { generateReport, type ReportJob } from '../report/generate-report.js';
import { collectArguments } from '../report/parameters.js';
import {
  formatBytes,
  formatNumber,
  formatSeconds,
  formatTable,
  type Output,
  safeText,
} from '../terminal/output.js';
import type { Command, Invocation } from './command.js';
import { OPTION_NAMES } from './generate-report.help.js';
import { ALL, toShownPath, writeAllReports } from './generate-report-all.js';
import type { ReportJson, ReportListJson } from './json/report.schema.js';
import { HeldBack } from './shared/held-back.js';
import { withReadDatabase } from './shared/read-database.js';

type Options = OptionValues<(typeof OPTION_NAMES)[number]>;

const PREVIEW_LINES = 5;
const PREVIEW_LINE_CHARACTERS = 160;
const PREVIEW_BYTES = 65_536;

export const command: Command = {
  async run(invocation: Invocation) {
    const { given, project, output } = invocation;
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const catalog = await readCatalog(project.directory);
    const name = given.name === undefined ? undefined : String(given.name);
    if (options.list) {
      listReports(catalog, name, output);
      return EXIT.done;
    }
    if (name === ALL) return writeAllReports(invocation, options, catalog);
    if (name === undefined) {
      throw new EdpError('usage', 'name a report', { hint: describeNames(catalog) });
    }
    const report = findReport(catalog, name);
    const { extension, isShown } = FORMATS[options.format];
    const destination = await chooseDestination(
      isShown && options.out === undefined ? '-' : options.out,
      project.directory,
      reportFileName(report.name, options, new Date(), extension),
    );
    const format =
      destination.mayReplace &&
      destination.file !== undefined &&
      !(await isSpecialFile(destination.file))
        ? formatOfFile(
            options.out!,
            given.format === undefined ? undefined : options.format,
            options.format,
          )
        : options.format;
    if (given['safe-cells'] === true && !FORMATS[format].hasSafeCells) {
      throw new EdpError('usage', `--safe-cells is for CSV, not for ${format}`, {
        hint: 'omit it: only CSV has cells that a spreadsheet runs',
      });
    }
    await runReport(invocation, options, destination, {
      report,
      arguments: collectArguments(report, options),
      model: project.model,
      format,
      safeCells: options.safeCells,
      // A standby cannot keep anything.
      usesCache: options.cache && !options.fromReplica,
    });
    return EXIT.done;
  },
};

async function runReport(
  { given, project, output, signal }: Invocation,
  options: Options,
  destination: Destination,
  job: Omit<ReportJob, 'write'>,
): Promise<void> {
  const { name } = job.report;
  const isShown = FORMATS[job.format].isShown && options.out === undefined;
  if (output.isJson && !isShown && destination.file === undefined) {
    throw new EdpError('usage', '--json and --out - both use standard output', {
      hint: 'specify a file with --out, or omit --json; --format json writes rows as JSON',
    });
  }
  if (FORMATS[job.format].isBinary && destination.file === undefined && output.isShownOnTerminal) {
    throw new EdpError('usage', `${job.format} is no text: a terminal cannot show it`, {
      hint: 'specify a file with --out, or pipe it: edp generate-report … --out - | …',
    });
  }
  const isFile = destination.file !== undefined && !(await isSpecialFile(destination.file));
  const held = new HeldBack();
  await withReadDatabase(
    { ...options, directory: project.directory },
    output,
    signal,
    async ({ client }) => {
      const started = performance.now();
      const preview = new Preview(hasPreview(job.format));
      const { file } = destination;
      const written =
        file === undefined
          ? {
              file: undefined,
              result: await held.pass(
                (bytes) => writeToStdout(output, bytes),
                (write) => generateReport(client, { ...job, width: output.width, write }, signal),
              ),
            }
          : await withOutputFile({ ...destination, file }, (toFile) =>
              held.pass(preview.tap(toFile), (write) =>
                generateReport(client, { ...job, write }, signal),
              ),
            );
      const { rows, bytes, columns, cache } = written.result;
      noteCache(output, cache, given.verbose === true);
      const seconds = (performance.now() - started) / 1000;
      const shownPath =
        written.file === undefined ? null : toShownPath(written.file, project.directory);
      const summary = `${formatNumber(rows, 'row')}, ${formatBytes(bytes)} in ${formatSeconds(seconds)}`;
      if (shownPath === null) {
        output.note(`${name}: ${summary}`);
      } else {
        output.line(`${shownPath}: ${summary}`);
        if (!output.isJson) preview.print(output);
      }
      const json: ReportJson = {
        command: 'generate-report',
        ok: true,
        seconds,
        report: name,
        path: shownPath,
        rows,
        columns,
        bytes,
        cached: cache?.keptAt !== undefined,
      };
      output.result(json);
    },
    () => isFile || !held.hasPassed,
  );
}

function noteCache(output: Output, cache: CacheUse | undefined, isVerbose: boolean): void {
  if (cache?.keptAt !== undefined) output.note(`from the cache of ${cache.keptAt}`);
  if (cache?.why !== undefined && isVerbose) output.note(`not from the cache: ${cache.why}`);
}

/** The first lines of a report file, which are shown after it is written. */
class Preview {
  readonly #isShown: boolean;
  #text = '';

  constructor(isShown: boolean) {
    this.#isShown = isShown;
  }

  tap(write: Write): Write {
    return (bytes) => {
      if (this.#isShown && this.#text.length < PREVIEW_BYTES) {
        this.#text += Buffer.from(bytes.subarray(0, PREVIEW_BYTES)).toString();
      }
      return write(bytes);
    };
  }

  print(output: Output): void {
    if (!this.#isShown) return;
    const lines = this.#text.trimEnd().split('\n');
    output.line();
    for (const line of lines.slice(0, PREVIEW_LINES)) {
      const text = safeText(line);
      output.line(
        text.length > PREVIEW_LINE_CHARACTERS ? `${text.slice(0, PREVIEW_LINE_CHARACTERS)}…` : text,
      );
    }
    if (lines.length > PREVIEW_LINES) output.line('…');
  }
}

/** Of a page the first lines say nothing. */
function hasPreview(format: FormatName): boolean {
  return !FORMATS[format].isBinary && format !== 'html';
}

/** With --json, stdout has only the object, and a table is written to stderr. */
async function writeToStdout(output: Output, bytes: Uint8Array): Promise<void> {
  if (output.isJson) output.note(Buffer.from(bytes).toString().trimEnd());
  else await output.write(bytes);
}

function listReports(
  catalog: readonly CatalogEntry[],
  name: string | undefined,
  output: Output,
): void {
  if (name !== undefined) findReport(catalog, name);
  const entries = catalog.filter((entry) => name === undefined || entry.name === name);
  if (name === undefined) {
    output.table(
      ['report', 'shows', 'parameters', 'from'],
      entries.map(({ name, report, ...entry }) => [
        name,
        report instanceof EdpError ? `broken, ${describeFault(report)}` : report.title,
        report instanceof EdpError ? '' : report.parameters.map((p) => p.name).join(', '),
        entry.replacesBuiltin ? `${entry.source}, replaces the built-in one` : entry.source,
      ]),
      [],
      ['report'],
    );
    output.line();
    output.line(
      'edp generate-report <name> --list describes one; your own go to sql/reports/<name>.sql',
    );
  } else {
    for (const entry of entries) describeReport(entry, output);
  }
  const json: ReportListJson = {
    command: 'generate-report',
    ok: true,
    reports: entries.map(toListItem),
  };
  output.result(json);
}

function describeReport({ report, file }: CatalogEntry, output: Output): void {
  if (report instanceof EdpError) return;
  output.line(`${safeText(report.title)} (${safeText(file)})`);
  if (report.description !== '') output.line(`\n${safeText(report.description)}`);
  if (report.parameters.length === 0) return;
  output.line();
  output.line(
    formatTable(
      ['parameter', 'type', 'default', 'description'],
      report.parameters.map((p) => [p.name, p.type, p.default ?? '', p.description]),
    ),
  );
}

function describeFault({ place, message }: EdpError): string {
  return place === undefined ? message : `${place}: ${message}`;
}

function toListItem({
  name,
  source,
  file,
  replacesBuiltin,
  report,
}: CatalogEntry): ReportListJson['reports'][number] {
  const isBroken = report instanceof EdpError;
  return {
    name,
    title: isBroken ? null : report.title,
    description: isBroken ? null : report.description,
    parameters: isBroken
      ? []
      : report.parameters.map((p) => ({
          name: p.name,
          type: p.type,
          default: p.default,
          description: p.description,
        })),
    source,
    path: file,
    replacesBuiltin,
    ...(isBroken
      ? { fault: { message: report.message, place: report.place, hint: report.hint } }
      : {}),
  };
}
