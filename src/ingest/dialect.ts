/** How a file's bytes become records and fields. Plain data, so that it can be handed to a thread. */
export interface Dialect {
  /** One byte: the character between fields. */
  readonly delimiter: number;
  /** One byte, LF or CR: what ends a record. A CR before the LF belongs to the line end. */
  readonly recordEnd: number;
  /** Fields of the header; a record has as many. */
  readonly fieldCount: number;
  /**
   * Whether a quote inside an unquoted field is a plain character. So in tab-separated files, which
   * hold JSON unquoted as often as not; in comma-separated ones it is damage.
   */
  readonly allowsBareQuotes: boolean;
}

export const QUOTE = 0x22;
export const LF = 0x0a;
export const CR = 0x0d;
