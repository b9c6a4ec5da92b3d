/** Lines of JSON as their readers read them, without a file. */
import { type JsonlForm, openForm } from '../../../src/formats/jsonl/jsonl-form.js';
import { JsonlParser } from '../../../src/formats/jsonl/jsonl-parser.js';
import { LineScanner } from '../../../src/formats/jsonl/line-scanner.js';
import { RecordBatch } from '../../../src/formats/text/record-batch.js';
import type { ParsedRecord } from '../../../src/formats/text/text-format.js';

export const OPEN = openForm('utf-8');

export function parseLines(bytes: Buffer, form: JsonlForm): ParsedRecord[] {
  const batch = new RecordBatch(bytes.length + 1);
  new LineScanner().scan(bytes, bytes.length, Number.POSITIVE_INFINITY, true, batch);
  const records: ParsedRecord[] = [];
  new JsonlParser(form).parse(bytes, batch, (_, record) => records.push(record));
  return records;
}

/** Fields of one line, as text. */
export function parseLine(
  line: string | Buffer,
  details: Partial<JsonlForm> = {},
): ParsedRecord | undefined {
  const form = { ...OPEN, keys: ['a', 'b'], others: 'reject' as const, ...details };
  const [record, another] = parseLines(Buffer.from(line), form);
  if (another !== undefined) throw new Error('the line is more than one record');
  return record;
}

export const asText = (bytes: string | null | undefined) =>
  bytes === null || bytes === undefined ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
