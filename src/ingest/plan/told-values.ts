/** Values that edp.yaml gives to columns: a wrong one would be the fault of every record. */
import { EdpError } from '../../errors.js';
import type { Table } from '../../model/model.js';
import { RowWriter } from '../encode/binary.js';
import { writeValue } from '../lanes/value-writers.js';
import { encodeBytes } from '../transform/coerce.js';

/** @throws EdpError `config` for a default or a constant that is no value of its column */
export function assertToldValues({ name: table, columns }: Table): void {
  const writer = new RowWriter();
  for (const { name, type, isNullable, origin, corrections } of columns) {
    const told = [
      ['default', corrections?.default],
      ['constant', origin?.kind === 'constant' ? origin.text : undefined],
    ] as const;
    for (const [kind, text] of told) {
      if (text === undefined) continue;
      const fault = writeValue(encodeBytes(text), type, isNullable, writer);
      if (fault === undefined) continue;
      throw new EdpError(
        'config',
        `the ${kind} of column "${name}" of table "${table}" does not fit it: ${fault.reason}`,
        { hint: 'correct it in edp.yaml, or the type of the column' },
      );
    }
  }
}
