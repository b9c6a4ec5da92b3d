/** The corrections that columns declare, on the attributes of events. */
import type { EventTable } from '../../events/event-table.js';
import { Fault } from '../../model/reject-codes.js';
import type { ColumnType } from '../../model/types.js';
import { encodeBytes } from '../../values/coerce.js';
import { Corrector } from '../../values/correct/corrector.js';
import type { ActedCorrection } from '../text/text-format.js';
import { toEventValue } from './event-values.js';

interface Corrected {
  readonly name: string;
  readonly type: ColumnType;
  readonly corrector: Corrector;
  readonly hasDefault: boolean;
  /** What is counted: table and attribute. */
  readonly label: string;
}

export class AttributeCorrections {
  readonly #columns: readonly Corrected[];

  private constructor(columns: readonly Corrected[]) {
    this.#columns = columns;
  }

  static compile({ name: table, columns }: EventTable): AttributeCorrections | undefined {
    const corrected = columns.flatMap(({ name, type, corrections }) =>
      corrections === undefined
        ? []
        : [
            {
              name,
              type,
              corrector: new Corrector(corrections, type),
              hasDefault: corrections.default !== undefined,
              label: `${table}.${name}`,
            },
          ],
    );
    return corrected.length === 0 ? undefined : new AttributeCorrections(corrected);
  }

  /**
   * Corrects attributes where they stand.
   *
   * @param isWhole whether it has all attributes: then one that is missing gets the default
   * @param noted gets the corrections that acted
   */
  correct(attributes: Record<string, unknown>, isWhole: boolean, noted: ActedCorrection[]): void {
    for (const { name, type, corrector, hasDefault, label } of this.#columns) {
      const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
      if (value === undefined && !(isWhole && hasDefault)) continue;
      const text = corrector.correct(toText(value));
      // What cannot be corrected may be as events write it anyway; the schema tells.
      if (text instanceof Fault || corrector.acted.length === 0) continue;
      attributes[name] = text === null ? null : toEventValue(type, text);
      for (const acted of corrector.acted) noted.push({ column: label, correction: acted });
    }
  }
}

function toText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return encodeBytes(value);
  return typeof value === 'object' ? encodeBytes(JSON.stringify(value)) : String(value);
}
