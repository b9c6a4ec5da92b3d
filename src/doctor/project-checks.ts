/** The files of the project, and the variables around it. */
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { toShellWord } from '../base/shell-word.js';
import { PROJECT_FILE, readProjectText } from '../project/file.js';
import { loadWarehouse, type WarehouseProject } from '../project/load-warehouse.js';
import { listUnusedParts } from '../project/surroundings.js';
import { readCatalog } from '../report/catalog.js';
import type { Place } from './context.js';
import { advice, type Check, command, type Found } from './finding.js';

const projectFile: Check<Place> = {
  name: 'project-file',
  severities: ['error'],
  looksAt: 'edp.yaml, what it includes, and the SQL that it names',
  why: 'no command loads or makes anything while edp.yaml has faults',
  mends: 'edp.yaml',
  async look({ directory }) {
    try {
      await loadWarehouse(directory);
      return [];
    } catch (error) {
      if (!(error instanceof EdpError)) throw error;
      const hint = error.hint === undefined ? [] : [advice(error.hint)];
      return [{ severity: 'error', problem: error.message, mend: hint }];
    }
  },
};

/** @returns undefined where it has faults, which a check reports */
export async function readWarehouse(directory: string): Promise<WarehouseProject | undefined> {
  try {
    return await loadWarehouse(directory);
  } catch (error) {
    if (error instanceof EdpError) return undefined;
    throw error;
  }
}

const unusedParts: Check<Place> = {
  name: 'unused-parts',
  severities: ['warning'],
  looksAt: 'files and EDP_* variables that look as if they were for edp, and mean nothing to it',
  why: 'what they say is likely meant, and has no effect',
  mends: 'the right name',
  async look({ directory, environment }) {
    const parts = await listUnusedParts(directory, environment);
    const isTaken = (await readProjectText(path.join(directory, PROJECT_FILE))) !== undefined;
    return parts.map(
      ({ message, file, variable }): Found => ({
        severity: 'warning',
        problem: message,
        mend:
          file === undefined
            ? [command(`unset ${variable}`)]
            : isTaken
              ? [advice(`take over what is missing in ${PROJECT_FILE}, and remove ${file}`)]
              : [command(`mv ${toShellWord(file)} ${PROJECT_FILE}`)],
      }),
    );
  },
};

const unusedSql: Check<Place> = {
  name: 'unused-sql',
  severities: ['note'],
  looksAt: 'files of sql/models, sql/views and sql/checks that edp.yaml does not name',
  why: 'nothing runs them',
  mends: 'a line in edp.yaml, or no file',
  look({ project }) {
    return (project?.unusedSql ?? []).map((file) => ({
      severity: 'note',
      problem: `${file} is declared nowhere`,
      mend: [advice(`declare it in edp.yaml, or remove it: rm ${toShellWord(file)}`)],
    }));
  },
};

const brokenReports: Check<Place> = {
  name: 'broken-reports',
  severities: ['warning'],
  looksAt:
    'the headers of the reports in sql/reports; not their SQL, which the server reads when one is made',
  why: 'such a report ends with an error, and edp generate-report all with status 1',
  mends: 'the line that is named',
  async look({ directory }) {
    const catalog = await readCatalog(directory);
    return catalog.flatMap(({ report, file, source }): Found[] => {
      if (source !== 'project' || !(report instanceof EdpError)) return [];
      const { message, place, hint } = report;
      return [
        {
          severity: 'warning',
          problem: `${place ?? file}: ${message}`,
          mend: [advice(hint ?? `correct ${file}, or remove it`)],
        },
      ];
    });
  },
};

const sourceAddress: Check<Place> = {
  name: 'source-address',
  severities: ['note'],
  looksAt:
    'variables that the address of the source names (capture: source: database-url); the source itself is not asked',
  why: 'edp capture and edp model import end with this; other commands do without the source',
  mends: 'the variable, where one of these two is to run',
  look({ project }) {
    try {
      project?.capture?.sourceUrl();
      return [];
    } catch (error) {
      if (!(error instanceof EdpError)) throw error;
      const mend = advice('set it in the environment of whoever runs edp capture');
      return [{ severity: 'note', problem: error.message, mend: [mend] }];
    }
  },
};

export const PROJECT_CHECKS: readonly Check<Place>[] = [
  projectFile,
  unusedParts,
  unusedSql,
  brokenReports,
  sourceAddress,
];
