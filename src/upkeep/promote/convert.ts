/** Kept values of a metric → values of its column, by the same rules as a load. */

import { RowEncoder } from '../../lanes/row-encoder.js';
import type { TablePlan } from '../../mapping/table-plan.js';
import type { ColumnType } from '../../model/types.js';
import { encodeBytes } from '../../values/coerce.js';
import { RowWriter } from '../../values/copy-binary.js';
import { splitRow } from '../../values/copy-fields.js';
import { fieldText } from '../../values/copy-text.js';

const KEY = 'value';

export type Converted =
  /** Text that the server reads as the column's type; null for NULL. */
  { readonly value: string | null } | { readonly reason: string };

export class MetricConverter {
  readonly #type: ColumnType;
  readonly #encoder: RowEncoder;
  readonly #writer = new RowWriter();

  constructor(type: ColumnType) {
    this.#type = type;
    const plan: TablePlan = {
      table: '',
      columns: [{ name: KEY, type, isNullable: true, from: 'metric', source: 0, metric: 0 }],
      sources: [{ field: 0, fieldName: '', path: [], keys: [KEY], isJson: [type === 'jsonb'] }],
      key: [],
      fieldCount: 1,
    };
    this.#encoder = new RowEncoder(plan, 0);
  }

  /** @param json the value as jsonb prints it */
  convert(json: string): Converted {
    const fault = this.#encoder.encode([encodeBytes(`{"${KEY}":${json}}`)], this.#writer);
    if (fault !== undefined) return { reason: fault.reason };
    const [field = null] = splitRow(this.#writer.lendRows());
    return { value: field === null ? null : fieldText(this.#type, field) };
  }
}
