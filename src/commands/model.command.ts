/** `edp model infer`: writes the declarations that files need in edp.yaml. */
import path from 'node:path';
import { EdpError, EXIT } from '../base/errors.js';
import { isStdout } from '../base/stdout-name.js';
import { withInferencePool } from '../infer/infer-pool.js';
import type { Proposal } from '../infer/propose.js';
import { proposeTables } from '../infer/propose-tables.js';
import { FILE_OPTION_NAMES, flagOf } from '../options/option-definitions.js';
import { resolveFileSettings, resolveOptions } from '../options/resolve-options.js';
import { formatModel, writeModel } from '../project/write-model.js';
import { withReadableFiles } from '../source/copies.js';
import { discoverFiles, type InputFile, isStdin, totalBytes } from '../source/discover.js';
import { formatNumber, type Output, safeText } from '../terminal/output.js';
import type { Command } from './command.js';
import type { ModelJson, ProposedTableJson } from './json/model.schema.js';
import { type ACTIONS, OPTION_NAMES } from './model.help.js';
import { makeReadProgress } from './shared/read-progress.js';
import { type ActionUses, refuseUnused } from './shared/refuse-unused.js';

/** A file of another format. */
const OTHER_SUFFIX = /\.(?:json|html?|csv|txt|sql|toml|xlsx?|md)$/i;

export const command: Command = {
  async run(invocation) {
    const { given, project, output, signal } = invocation;
    refuseUnused(given, given.action as (typeof ACTIONS)[number], USES);
    const { table, key, processCount, ...resolved } = resolveOptions(
      OPTION_NAMES,
      given,
      project.options,
    );
    const out = isStdout(resolved.out) ? undefined : resolved.out;
    if (out !== undefined && OTHER_SUFFIX.test(out)) {
      throw new EdpError('usage', `a model is YAML, which ${out} does not look like`, {
        hint: 'name a file that ends in .yaml; --json prints the model as JSON',
      });
    }
    const names = (given.files ?? []) as string[];
    if (given.action === 'import') {
      const { importModel } = await import('./model-import.js');
      return importModel(invocation, names, { ...resolved, out });
    }
    if (names.length === 0) {
      throw new EdpError('usage', 'name the files to infer a model from', {
        hint: 'edp model infer sales.csv',
      });
    }
    const files = await discoverFiles(names, project.directory);
    if (files.some(isStdin) && table === undefined) {
      throw new EdpError('usage', 'standard input has no file name to derive the table from', {
        hint: 'specify the table: edp model infer - --table NAME',
      });
    }
    const options = {
      table,
      key,
      taken: new Set<string>(),
      settings: resolveFileSettings(given, project)(),
      specified: resolveFileSettings(given, { options: {}, csv: {} })(),
      passOverEmpty: (file: InputFile) => warnOfEmpty(output, file),
    };
    const copying = { note: (text: string) => output.note(text), signal };
    const proposals = await withReadableFiles(project.directory, files, copying, async (all) => {
      const bytes = await totalBytes(all);
      const progress = await makeReadProgress(output, bytes);
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
    for (const proposal of proposals) output.note(explainKey(proposal));
    warnOfOddities(output, proposals);
    const result: ModelJson = {
      command: 'model',
      ok: true,
      action: 'infer',
      tables: proposals.map(toJson),
      yaml,
      out: out ?? null,
    };
    output.result(result);
    return EXIT.done;
  },
};

const USES: ActionUses<(typeof ACTIONS)[number]> = {
  command: 'model',
  flags: {
    ...Object.fromEntries(
      (['table', 'key', 'process-count', ...FILE_OPTION_NAMES] as const).map((name) => [
        flagOf(name),
        ['infer'] as const,
      ]),
    ),
    schema: ['import'],
    'database-url': ['import'],
  },
};

export function describe({ columns, input, inference }: Proposal): string {
  const key = input.key === undefined ? '' : `, key ${[input.key].flat().join(', ')}`;
  const fields = `${columns.length} ${columns.length === 1 ? 'field' : 'fields'}`;
  return `${fields}${key}, from ${formatNumber(inference.records, 'record')}`;
}

/** Which key a new table gets, and why. */
export function explainKey({ name, input, inference }: Proposal): string {
  const table = `table ${safeText(name)}`;
  if (input.key === undefined || inference.key === undefined) {
    return `${table}: no key was found; the same record loaded twice cannot be noticed; --key NAME declares one`;
  }
  return `${table}: key ${safeText([input.key].flat().join(', '))}: ${inference.key.why}`;
}

/** Warns about a file without fields for a table. */
export function warnOfEmpty(output: Output, { name }: InputFile): void {
  output.warn(`${name} is passed over: it is empty, so it has no fields for a table`);
}

/** Warns about records that do not affect the types, because a load would reject them. */
export function warnOfOddities(output: Output, proposals: readonly Proposal[]): void {
  for (const { name, inference } of proposals) {
    for (const [code, count] of Object.entries(inference.odd)) {
      output.warn(
        `table ${name}: ${formatNumber(count, 'record')} would be rejected (${code}) and did not affect the types`,
      );
    }
  }
}

export function toJson({ name, input, columns, inference }: Proposal): ProposedTableJson {
  return {
    name,
    files: inference.files.map(({ file }) => file.name),
    records: inference.records,
    odd: inference.odd,
    key: input.key ?? null,
    ...(inference.key === undefined ? {} : { keyWhy: inference.key.why }),
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
