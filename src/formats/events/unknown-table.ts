/** Of an event of a table that the model cannot realize, or does not have. */
import { Fault } from '../../model/reject-codes.js';

export function unknownTable(name: string): Fault {
  return new Fault(
    'unknown_table',
    `the model has no table "${name}" that change events are realized in`,
  );
}
