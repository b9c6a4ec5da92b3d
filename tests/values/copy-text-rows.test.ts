/** Rows in binary form → rows in text form. */
import { expect, it } from 'vitest';
import { encodeBytes } from '../../src/values/coerce.js';
import { RowWriter } from '../../src/values/copy-binary.js';
import { toTextRows } from '../../src/values/copy-text-rows.js';
import { writeValue } from '../../src/values/value-writers.js';

const OTHER = { hasEmpty: false, isComparable: true };

it('writes each type as the server reads it, and escapes what separates', () => {
  const writer = new RowWriter();
  const rows = [
    ['1', '1.50', 'a\tb\\c\nd\re', '{"a": "\\n"}', '2024-01-31T10:00:00Z', 'sad', '["Zoë"]'],
    [null, 'NaN', '\\.', '[]', 'infinity', '', null],
  ] as const;
  const types = ['int', 'numeric', 'text', 'jsonb', 'timestamptz', 'text', 'text'] as const;
  for (const row of rows) {
    writer.beginRow(types.length);
    for (const [i, text] of row.entries()) {
      expect(
        writeValue(text === null ? null : encodeBytes(text), types[i]!, true, writer),
      ).toBeUndefined();
    }
  }
  const array = { delimiter: ',', hasJson: false };
  const columns = types.map((type, i) => ({
    type,
    ...(i === 5 ? { other: OTHER } : i === 6 ? { other: { ...OTHER, array } } : {}),
  }));
  expect(toTextRows(writer.takeRows(), columns).toString()).toBe(
    [
      '1\t1.50\ta\\tb\\\\c\\nd\\re\t{"a": "\\\\n"}\t2024-01-31 10:00:00+00\tsad\t{"Zoë"}',
      '\\N\tNaN\t\\\\.\t[]\tinfinity\t\\N\t\\N',
      '',
    ].join('\n'),
  );
});
