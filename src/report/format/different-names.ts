/** For formats in which a column is found by its name. */
import { EdpError } from '../../base/errors.js';

/** @throws EdpError `report_failed` if two columns share a name */
export function assertDifferentNames(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new EdpError('report_failed', `two columns of the report are called "${twice}"`, {
    hint: 'name one of them otherwise with AS, or write CSV',
  });
}
