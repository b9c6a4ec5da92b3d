/** What checks found, as lines and as JSON. */
import { isSafeNumber, parse } from 'lossless-json';
import { formatCount, formatNumber, type Output, safeText } from '../../terminal/output.js';
import type { FoundCheck } from '../../warehouse/checks/check-tables.js';
import type { CheckOutcome } from '../../warehouse/checks/outcome.js';
import type { CheckJson } from '../json/warehouse.schema.js';

/** Failing rows that are shown of each check. */
const SHOWN = 10;

export function describeFailure({
  name,
  severity,
  failing,
  found,
}: Pick<CheckOutcome, 'name' | 'severity' | 'failing' | 'found'>): string {
  const warned = severity === 'warn' ? ' (severity warn)' : '';
  const what = found === undefined ? ` for ${formatNumber(failing, 'row')}` : `: ${found}`;
  return `check ${safeText(name)} fails${what}${warned}`;
}

export function printChecks(output: Output<never>, checks: readonly FoundCheck[]): void {
  if (checks.length === 0) return;
  output.table(
    ['table', 'check', 'severity', 'failing', 'result'],
    checks.map(({ table, name, severity, failing, ok }) => [
      table,
      safeText(name),
      severity,
      formatCount(failing),
      ok ? 'ok' : 'failed',
    ]),
  );
  for (const { ok, table, name, sample } of checks) {
    if (!ok && sample.length > 0) {
      output.line(`${safeText(table)} ${safeText(name)}: ${safeText(sample[0]!)}`);
    }
  }
}

export function toChecksJson(checks: readonly FoundCheck[]): CheckJson[] {
  return checks.map(({ table, name, column, severity, ok, failing, sample }) => ({
    table,
    name,
    column,
    severity,
    ok,
    failing,
    sample: sample.slice(0, SHOWN).map(exactJson),
  }));
}

/** JSON of the server → plain data. A number that JavaScript does not have exactly is given as text. */
export function exactJson(row: string): unknown {
  return parse(row, undefined, (number) => (isSafeNumber(number) ? Number(number) : number));
}
