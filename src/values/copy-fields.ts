/** The bytes of a COPY row, field by field: the reverse of copy-binary.ts. */

export type FieldBytes = Buffer | null;

/**
 * @param row starts with its field count
 * @returns views into `row`
 */
export function splitRow(row: Buffer): FieldBytes[] {
  const count = row.readInt16BE(0);
  const fields: FieldBytes[] = [];
  let position = 2;
  for (let i = 0; i < count; i++) {
    const length = row.readInt32BE(position);
    position += 4;
    fields.push(length < 0 ? null : row.subarray(position, position + length));
    position += Math.max(0, length);
  }
  return fields;
}

/** The fields one after the other, as in a row, but without the field count. */
export function joinFields(fields: readonly FieldBytes[]): Buffer {
  const bytes = fields.reduce((sum, field) => sum + 4 + (field?.length ?? 0), 0);
  const row = Buffer.allocUnsafe(bytes);
  let position = 0;
  for (const field of fields) {
    position = row.writeInt32BE(field === null ? -1 : field.length, position);
    if (field !== null) position += field.copy(row, position);
  }
  return row;
}
