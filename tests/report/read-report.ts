/** A report as it is written, for tests. */
import type pg from 'pg';
import { BUILTIN_MODEL } from '../../src/model/builtin.js';
import type { Model } from '../../src/model/model.js';
import type { FormatName } from '../../src/report/format/report-format.js';
import { generateReport, type ReportOutcome } from '../../src/report/generate-report.js';
import { collectArguments } from '../../src/report/parameters.js';
import type { Report } from '../../src/report/report.js';

export interface ReadOptions {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly param?: readonly string[];
  readonly format?: FormatName;
  readonly model?: Model;
  readonly usesCache?: boolean;
  readonly madeAt?: Date;
  readonly signal?: AbortSignal;
  onWrite?(): unknown;
}

export async function readReport(
  client: pg.ClientConfig,
  report: Report,
  options: ReadOptions = {},
): Promise<ReportOutcome & { readonly content: Buffer }> {
  const { from, to, param = [], signal = new AbortController().signal, madeAt } = options;
  const pieces: Uint8Array[] = [];
  const outcome = await generateReport(
    client,
    {
      report,
      arguments: collectArguments(report, { from, to, param }),
      model: options.model ?? BUILTIN_MODEL,
      format: options.format ?? 'csv',
      safeCells: false,
      usesCache: options.usesCache ?? false,
      ...(madeAt === undefined ? {} : { madeAt }),
      write: async (bytes) => {
        pieces.push(Buffer.from(bytes));
        await options.onWrite?.();
      },
    },
    signal,
  );
  return { ...outcome, content: Buffer.concat(pieces) };
}
