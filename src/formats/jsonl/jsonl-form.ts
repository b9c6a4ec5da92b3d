/** How the records of a file of JSON lines are read. */
import type { OnNewField } from '../../model/load-rules.js';
import type { FieldEncoding } from '../text/transcode.js';

/** Plain data. */
export interface JsonlForm {
  readonly format: 'jsonl';
  readonly encoding: FieldEncoding;
  /** Keys whose values are the fields of a record, in this order. */
  readonly keys: readonly string[];
  /** Those of them whose strings stay JSON, with their quotes: what they fill holds JSON. */
  readonly asJson: readonly string[];
  /** Keys to pass over knowingly. */
  readonly ignored: readonly string[];
  /**
   * What becomes of any other key. `add`: it is a further field of this record and those behind it.
   * `reject`: the record is rejected. `keep`, `ignore`: a last field behind those of the keys holds the
   * members as JSON (an object of them, or a list of their keys), or null where there are none.
   */
  readonly others: OnNewField | 'add';
}

/** One that takes whatever keys there are, for files of which nothing is known yet. */
export function openForm(encoding: FieldEncoding): JsonlForm {
  return { format: 'jsonl', encoding, keys: [], asJson: [], ignored: [], others: 'add' };
}
