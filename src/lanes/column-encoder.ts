/**
 * Encodes columns whose values are not simply those of a field: corrected, constant, or computed.
 * Both lanes use it, so that they write the same values.
 */

import { correctionKey } from '../ledger/remarks.js';
import type { ColumnPlan } from '../mapping/table-plan.js';
import { Fault } from '../model/reject-codes.js';
import { coerceText, decodeBytes, encodeBytes } from '../values/coerce.js';
import type { RowWriter } from '../values/copy-binary.js';
import { Corrector } from '../values/correct/corrector.js';
import { compileExpression, type Evaluator } from '../values/correct/evaluate-expression.js';
import { writeValue } from '../values/value-writers.js';

export class ColumnEncoder {
  /** The text written last, after its corrections. */
  text: string | null = null;
  readonly #plan: ColumnPlan;
  readonly #corrector: Corrector | undefined;
  readonly #evaluate: Evaluator | undefined;
  readonly #fields: readonly (readonly [string, number])[];
  readonly #keys = new Map<string, string>();

  private constructor(plan: ColumnPlan) {
    this.#plan = plan;
    const corrections =
      plan.from === 'field' || plan.from === 'computed' ? plan.corrections : undefined;
    this.#corrector = corrections === undefined ? undefined : new Corrector(corrections, plan.type);
    this.#evaluate = plan.from === 'computed' ? compileExpression(plan.expression) : undefined;
    this.#fields =
      plan.from === 'computed' || plan.from === 'kept' ? Object.entries(plan.fields) : [];
  }

  /** @returns undefined for a column that is simply a field, a metric, or the load's number */
  static compile(plan: ColumnPlan): ColumnEncoder | undefined {
    const isSimple =
      (plan.from === 'field' && plan.corrections === undefined) ||
      plan.from === 'metric' ||
      plan.from === 'extra' ||
      plan.from === 'load';
    return isSimple ? undefined : new ColumnEncoder(plan);
  }

  /**
   * @param fields byte strings; the fields that the column reads must be present
   * @param noted gets the keys of the corrections that acted
   */
  encode(
    fields: readonly (string | null | undefined)[],
    writer: RowWriter,
    noted: string[],
  ): Fault | undefined {
    const plan = this.#plan;
    let text: string | null | Fault;
    switch (plan.from) {
      case 'constant':
        noted.push(this.#key(plan.isDefault ? 'default' : 'constant'));
        text = plan.text;
        break;
      case 'computed':
        text = this.#compute(fields);
        if (text instanceof Fault) return text;
        noted.push(this.#key('computed'));
        break;
      case 'kept':
        return this.#keep(fields, writer);
      case 'field':
        text = fields[plan.field] ?? null;
        break;
      default:
        return undefined;
    }
    const original = text;
    if (this.#corrector !== undefined) {
      text = this.#corrector.correct(text);
      if (text instanceof Fault) return text;
      for (const name of this.#corrector.acted) noted.push(this.#key(name));
    }
    this.text = text;
    const fault = writeValue(text, plan.type, plan.isNullable, writer);
    return fault === undefined ? undefined : (this.#corrector?.explain(fault, original) ?? fault);
  }

  /** The text of each field that the column reads, by name. */
  #readFields(fields: readonly (string | null | undefined)[]): Map<string, string | null> | Fault {
    const values = new Map<string, string | null>();
    for (const [name, index] of this.#fields) {
      const bytes = fields[index] ?? null;
      const valid = bytes === null ? null : coerceText(bytes);
      if (valid instanceof Fault) return valid;
      values.set(name, valid === null ? null : decodeBytes(valid));
    }
    return values;
  }

  /** Writes a JSON object of the fields that have a value. */
  #keep(fields: readonly (string | null | undefined)[], writer: RowWriter): Fault | undefined {
    const values = this.#readFields(fields);
    if (values instanceof Fault) return values;
    const kept = [...values].filter(([, text]) => text !== null);
    if (kept.length === 0) writer.null();
    else writer.jsonb(encodeBytes(JSON.stringify(Object.fromEntries(kept))));
    return undefined;
  }

  #compute(fields: readonly (string | null | undefined)[]): string | null | Fault {
    const values = this.#readFields(fields);
    if (values instanceof Fault) return values;
    const result = this.#evaluate!(values);
    return typeof result === 'string' ? encodeBytes(result) : result;
  }

  #key(correction: string): string {
    let key = this.#keys.get(correction);
    if (key === undefined) {
      key = correctionKey(this.#plan.name, correction);
      this.#keys.set(correction, key);
    }
    return key;
  }
}
