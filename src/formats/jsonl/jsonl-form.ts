/** How the records of a file of JSON lines are read. */
import type { OnNewField } from '../../model/load-rules.js';
import type { FieldEncoding } from '../text/transcode.js';

/** Plain data. */
export interface JsonlForm {
  readonly format: 'jsonl';
  readonly encoding: FieldEncoding;
  /** Keys whose values are the fields of a record, in this order. */
  readonly keys: readonly string[];
  /** The keys whose strings stay JSON, with their quotes, since their columns hold JSON. */
  readonly asJson: readonly string[];
  /** Keys that are deliberately ignored. */
  readonly ignored: readonly string[];
  /**
   * The treatment of all other keys. `add`: the key becomes a field of this and all later records.
   * `reject`: the record is rejected. `keep` and `ignore`: one more field, behind those of `keys`,
   * holds JSON: an object of the other members, or a list of their keys. It is null where there are
   * none.
   */
  readonly others: OnNewField | 'add';
}

/** A form that takes all keys, for files of which nothing is known yet. */
export function openForm(encoding: FieldEncoding): JsonlForm {
  return { format: 'jsonl', encoding, keys: [], asJson: [], ignored: [], others: 'add' };
}
