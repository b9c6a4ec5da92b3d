/** `edp generate-data`: event CSVs for trials, and the expected result of loading them. */

import { EXIT } from '../base/errors.js';
import { DIRT } from '../generate/dirt.js';
import { type Generated, generateEvents } from '../generate/generate-data.js';
import { resolveOptions } from '../options/resolve-options.js';
import {
  formatBytes,
  formatCount,
  formatNumber,
  formatSeconds,
  type Output,
} from '../terminal/output.js';
import { formatRate, withProgress } from '../terminal/progress.js';
import type { Command, Invocation } from './command.js';
import { OPTION_NAMES } from './generate-data.help.js';
import type { GenerateDataJson } from './json/generate.schema.js';

/** Files listed for people; the JSON has all of them. */
const MAX_LISTED_FILES = 20;

export const command: Command = {
  async run({ given, project, output, signal }: Invocation) {
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const started = performance.now();
    let records = 0;
    const describe = (seconds: number) => ({
      parts: [`${formatCount(records)} records`],
      rates: [formatRate(records, 'records', seconds)],
    });
    const generated = await withProgress(output, describe, (progress) => {
      progress.start(options.count);
      return generateEvents({
        files: options.files,
        count: options.count,
        seed: options.seed,
        firstId: options.firstId,
        out: options.out ?? 'data',
        dirtyShare: options.dirty,
        unknownShare: options.unknownMetrics,
        processCount: options.processCount,
        signal,
        onProgress(soFar) {
          records = soFar;
          progress.update(soFar);
        },
      });
    });
    const seconds = (performance.now() - started) / 1000;
    for (const warning of generated.warnings) output.warn(warning);
    if (output.isJson) output.result(toResult(generated, options.seed, seconds));
    else print(generated, seconds, output);
    return EXIT.done;
  },
};

function toResult(generated: Generated, seed: number, seconds: number): GenerateDataJson {
  const { files, bytes, total, dimensions } = generated;
  const { records, ...expectation } = total;
  return {
    command: 'generate-data',
    ok: true,
    seconds: Math.round(seconds * 1000) / 1000,
    bytes,
    rows: { read: records },
    seed,
    ...expectation,
    dimensions: {
      first: dimensions.firstIds.length,
      second: dimensions.second.length,
      written: generated.areDimensionsWritten,
    },
    files: files.map(({ path, bytes, tally }) => ({ path, bytes, ...tally })),
  };
}

function print(generated: Generated, seconds: number, output: Output): void {
  const { files, bytes, total, dimensions } = generated;
  const isDirty = Object.keys(total.dirt).length > 0;
  output.table(
    ['file', 'records', 'bytes', ...(isDirty ? ['loaded', 'rejected', 'duplicate'] : [])],
    files
      .slice(0, MAX_LISTED_FILES)
      .map(({ path, bytes, tally: { records, expected } }) => [
        path,
        formatCount(records),
        formatCount(bytes),
        ...(isDirty
          ? [expected.loaded, expected.rejected, expected.duplicate].map(formatCount)
          : []),
      ]),
  );
  if (files.length > MAX_LISTED_FILES) {
    output.line(`… and ${formatCount(files.length - MAX_LISTED_FILES)} more`);
  }
  output.line();
  if (isDirty) {
    output.table(
      ['damage', 'records', 'expected'],
      DIRT.filter(({ name }) => total.dirt[name] !== undefined).map(({ name, outcome }) => [
        name,
        formatCount(total.dirt[name] ?? 0),
        outcome === 'loaded' || outcome === 'duplicate' ? outcome : `rejected: ${outcome}`,
      ]),
    );
    const { loaded, rejected, duplicate } = total.expected;
    output.line();
    output.line(
      `expected: ${formatCount(loaded)} loaded, ${formatCount(rejected)} rejected, ${formatCount(duplicate)} duplicate`,
    );
  }
  const unknown = Object.entries(total.unknownMetrics);
  if (unknown.length > 0) {
    output.line(
      `unknown metrics: ${unknown.map(([name, count]) => `${name} in ${formatCount(count)}`).join(', ')} records`,
    );
  }
  output.line(
    `dimensions: ${formatCount(dimensions.firstIds.length)} first, ${formatCount(dimensions.second.length)} second${generated.areDimensionsWritten ? ', written' : ', as found'}`,
  );
  output.line(
    `${formatNumber(total.records, 'record')} in ${formatNumber(files.length, 'file')}, ${formatBytes(bytes)} in ${formatSeconds(seconds)}: ${formatCount(total.records / seconds)} records/s`,
  );
}
