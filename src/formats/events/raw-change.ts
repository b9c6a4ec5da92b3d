/** A change as a line has it, whatever its format: not lifted, not corrected, not checked by its schema. */
import type { Attributes, Op } from '../../events/change-event.js';
import type { CatalogTable } from './event-catalog.js';

export interface RawChange {
  readonly table: CatalogTable;
  readonly op: Op;
  /** Of the schema by which it was written. */
  readonly version: number;
  /** Digits. */
  readonly sequence: string;
  readonly source: string;
  /** Undefined where it is to be made. */
  readonly id: string | undefined;
  readonly time: string;
  /** What the event says of its key besides; undefined where it says nothing. */
  readonly subject: string | undefined;
  /** Names of the objects of the line, from outside, in which `after` and `before` stand. */
  readonly within: readonly string[];
  /** `data` of the event, by the names of its version. */
  readonly data: {
    readonly op: Op;
    readonly key?: Attributes;
    readonly after?: Attributes;
    readonly before?: Attributes;
    readonly transaction?: string;
    readonly errors?: Attributes;
  };
}
