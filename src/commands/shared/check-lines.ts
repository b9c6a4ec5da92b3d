/** What a failed check found, in a line. */
import { formatNumber, safeText } from '../../terminal/output.js';
import type { CheckOutcome } from '../../warehouse/checks/outcome.js';

export function describeFailure({ name, severity, failing }: CheckOutcome): string {
  const warned = severity === 'warn' ? ' (severity warn)' : '';
  return `check ${safeText(name)} fails for ${formatNumber(failing, 'row')}${warned}`;
}
