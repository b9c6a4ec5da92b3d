/** What the functions in the source have in common. */
import { quoteIdentifier } from '../model/ddl.js';
import type { CapturedModel, NeededSettings } from './plan.js';
import { NO_SCHEMAS } from './search-path.js';

/** Errors that say nothing about a row or a mapping: the statement fails as it would without capture. */
export const PASSED_ON = 'transaction_rollback OR insufficient_resources OR operator_intervention';

const FLOATS = 'SET extra_float_digits = 1';

const SETTINGS: Readonly<Record<NeededSettings, string>> = {
  none: '',
  floats: `\n  ${FLOATS}`,
  all: `\n  SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET bytea_output = 'hex' ${FLOATS}`,
};

export function settingsOf(models: readonly CapturedModel[]): NeededSettings {
  const needed = new Set(models.map((model) => model.settings));
  if (needed.has('all')) return 'all';
  return needed.has('floats') ? 'floats' : 'none';
}

export function functionHead(
  name: string,
  parameters: string,
  returns: string,
  settings: NeededSettings,
  searchPath = NO_SCHEMAS,
): string {
  return `CREATE OR REPLACE FUNCTION edp_capture.${quoteIdentifier(name)}(${parameters}) RETURNS ${returns} LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = ${searchPath} SET jit = off${SETTINGS[settings]} AS $edp$`;
}
