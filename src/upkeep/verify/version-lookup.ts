/** Records of a table with versions → the last version of their keys that an earlier load brought. */
import type pg from 'pg';
import { quoteIdentifier } from '../../model/ddl.js';
import type { FieldBytes } from '../../values/copy-fields.js';
import {
  type CanonicalFields,
  isSame,
  KeyLookup,
  type LookedUp,
  type LookupJob,
} from './key-lookup.js';
import { STATUS, type VersionColumns } from './verify-task.js';

export class VersionLookup {
  readonly #lookup: KeyLookup;

  constructor(client: pg.Client, job: LookupJob, { offset, ended }: VersionColumns) {
    const load = quoteIdentifier(job.lineageColumn!);
    const { columns, key } = job.shape;
    const isSameKey = key.map((column) => quoteIdentifier(columns[column]!.name));
    // The last of each key; none where that is the end of a member.
    const isLast = `t.${load} < ${job.loadId} ${ended === undefined ? '' : `AND NOT t.${ended}`}
      AND NOT EXISTS (SELECT FROM ${job.table} n WHERE n.${load} < ${job.loadId}
        AND ${isSameKey.map((name) => `n.${name} = t.${name}`).join(' AND ')}
        AND (n.${load}, n.${offset}) > (t.${load}, t.${offset}))`;
    this.#lookup = new KeyLookup(client, job, isLast);
  }

  /** Compares each record with that version, bit for bit. */
  async compare(records: readonly CanonicalFields[]): Promise<LookedUp[]> {
    const found: LookedUp[] = records.map(() => ({ status: STATUS.noRow, holder: -1 }));
    await this.#lookup.find(records, ({ record, fields, holder }) => {
      const isEqual = records[record]!.every((field: FieldBytes, i) => isSame(field, fields[i]!));
      found[record] = { status: isEqual ? STATUS.otherEqual : STATUS.otherDiffers, holder };
    });
    return found;
  }
}
