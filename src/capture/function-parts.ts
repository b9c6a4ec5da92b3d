/** What the functions in the source have in common. */
import { quoteIdentifier } from '../model/ddl.js';

/** Errors that say nothing about a row or a mapping: the statement fails as it would without capture. */
export const PASSED_ON = 'transaction_rollback OR insufficient_resources OR operator_intervention';

const SETTINGS = [
  "SET timezone = 'UTC'",
  "SET datestyle = 'ISO, YMD'",
  "SET intervalstyle = 'postgres'",
  "SET bytea_output = 'hex'",
  'SET extra_float_digits = 1',
];

/** @param needsSettings whether texts of values depend on settings of the session; each costs about a microsecond */
export function functionHead(
  name: string,
  parameters: string,
  returns: string,
  needsSettings: boolean,
): string {
  const settings = needsSettings ? `\n  ${SETTINGS.join(' ')}` : '';
  return `CREATE OR REPLACE FUNCTION edp_capture.${quoteIdentifier(name)}(${parameters}) RETURNS ${returns} LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp${settings} AS $edp$`;
}
