/** `edp model infer`: what edp.yaml would have to say for files to be loaded. */
import path from 'node:path';
import { EdpError, EXIT } from '../base/errors.js';
import { withInferencePool } from '../infer/infer-pool.js';
import type { Proposal } from '../infer/propose.js';
import { proposeTables } from '../infer/propose-tables.js';
import { formatModel, writeModel } from '../infer/write-model.js';
import {
  FILE_OPTION_NAMES,
  type OptionName,
  resolveFileSettings,
  resolveOptions,
} from '../options/options.js';
import { discoverFiles, isStdin, totalBytes, withSpooledStdin } from '../source/discover.js';
import { formatCount, type Output } from '../terminal/output.js';
import type { Command } from './command.js';
import { makeReadProgress } from './shared/read-progress.js';

const ACTIONS = ['infer'] as const;
const OPTION_NAMES = ['table', 'out', 'process-count'] as const satisfies readonly OptionName[];

export const command: Command = {
  options: [...OPTION_NAMES, ...FILE_OPTION_NAMES],
  build: (yargs) =>
    yargs
      .positional('action', {
        describe: 'infer: columns, types and key from every record of the files',
        choices: ACTIONS,
        demandOption: true,
      })
      .positional('files', {
        describe: 'files, globs, comma-separated lists, or - for stdin',
        type: 'string',
        array: true,
        demandOption: true,
      })
      .example('$0 model infer sales.csv', 'print a model of the file')
      .example("$0 model infer 'sales-*.csv' --table sales", 'one table that all of them fit')
      .example('$0 model infer sales.csv --out edp.yaml', 'put the table into edp.yaml')
      .example('$0 model infer sales.csv --json | jq .tables[0].columns', 'for a script')
      .epilog(
        [
          'Types are those that every value of every file fits, and that lose nothing of it; docs/infer.md',
          'says which. Files of one name, apart from dates and numbers, make one table. Without --out the',
          'model goes to stdout; with it, other lines of an existing file stay as they are.',
        ].join('\n'),
      ),

  async run({ given, project, output, signal }) {
    const { table, out, processCount } = resolveOptions(OPTION_NAMES, given, project.options);
    const files = await discoverFiles(given.files as string[], project.directory);
    if (files.some(isStdin) && table === undefined) {
      throw new EdpError('usage', 'standard input has no name to call the table by', {
        hint: 'name the table: edp model infer - --table NAME',
      });
    }
    const options = {
      table,
      taken: new Set<string>(),
      settings: resolveFileSettings(given, project)(),
      told: resolveFileSettings(given, { options: {}, csv: {} })(),
    };
    const proposals = await withSpooledStdin(project.directory, files, async (all) => {
      const bytes = await totalBytes(all);
      const progress = makeReadProgress(output, bytes);
      return withInferencePool(processCount, bytes, (pool) =>
        proposeTables(all, options, pool, progress, signal),
      ).finally(() => progress.stop());
    });
    const yaml = formatModel(proposals);
    if (out === undefined) {
      if (!output.isJson) await output.write(yaml);
    } else {
      await writeModel(path.resolve(project.directory, out), proposals, { keepsBuiltin: false });
      for (const proposal of proposals) {
        output.line(`${out}: table ${proposal.name}, ${describe(proposal)}`);
      }
    }
    warnOfOddities(output, proposals);
    output.result({
      command: 'model',
      ok: true,
      action: 'infer',
      tables: proposals.map(toJson),
      yaml,
      out: out ?? null,
    });
    return EXIT.done;
  },
};

export function describe({ columns, input, inference }: Proposal): string {
  const key = input.key === undefined ? '' : `, key ${String(input.key)}`;
  const fields = `${columns.length} ${columns.length === 1 ? 'field' : 'fields'}`;
  return `${fields}${key}, from ${formatCount(inference.records)} records`;
}

/** Records that say nothing of types, since a load would reject them. */
export function warnOfOddities(output: Output, proposals: readonly Proposal[]): void {
  for (const { name, inference } of proposals) {
    for (const [code, count] of Object.entries(inference.odd)) {
      output.warn(
        `table ${name}: ${formatCount(count)} ${count === 1 ? 'record' : 'records'} would be rejected (${code}) and tell nothing of types`,
      );
    }
  }
}

export function toJson({ name, input, columns, inference }: Proposal): object {
  return {
    name,
    files: inference.files.map(({ file }) => file.name),
    records: inference.records,
    odd: inference.odd,
    key: input.key ?? null,
    timeColumn: columns.find(({ inferred }) => inferred.field === inference.time)?.name ?? null,
    columns: columns.map(({ name: column, inferred, metrics }) => ({
      name: column,
      field: inferred.field,
      type: inferred.type,
      ...(inferred.typeWithoutTokens === undefined
        ? {}
        : { typeWithoutNullTokens: inferred.typeWithoutTokens }),
      why: inferred.why,
      values: inferred.values,
      nulls: inferred.nulls,
      emptyStrings: inferred.emptyStrings,
      nullTokens: inferred.nullTokens,
      nullable: !inferred.isComplete,
      ...(inferred.uniqueness === undefined ? {} : { uniqueness: inferred.uniqueness }),
      ...(metrics === undefined ? {} : { metrics }),
    })),
    declaration: input,
  };
}
