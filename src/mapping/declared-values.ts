/** Checks values that edp.yaml gives to columns: a wrong one would be a fault in every record. */
import { EdpError } from '../base/errors.js';
import type { Table } from '../model/model.js';
import { encodeBytes } from '../values/coerce.js';
import { RowWriter } from '../values/copy-binary.js';
import { writeValue } from '../values/value-writers.js';

/** @throws EdpError `config` for a default or a constant that does not fit its column */
export function assertDeclaredValues({ name: table, columns }: Table): void {
  const writer = new RowWriter();
  for (const { name, type, isNullable, origin, corrections } of columns) {
    const declared = [
      ['default', corrections?.default],
      ['constant', origin?.kind === 'constant' ? origin.text : undefined],
    ] as const;
    for (const [kind, text] of declared) {
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
