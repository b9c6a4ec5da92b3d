/** A type of PostgreSQL that edp does not know: the server reads and judges its values as text. */

/** Plain data. */
export interface OtherType {
  /** Whether the empty text is one of its values; otherwise it is NULL. */
  readonly hasEmpty: boolean;
  /** Whether the server can compare its values; otherwise they are equal where their texts are. */
  readonly isComparable: boolean;
  /** Undefined for a type that is no array. */
  readonly array?: ArrayForm | undefined;
}

/** How the text of an array is written. */
export interface ArrayForm {
  /** Between two elements. */
  readonly delimiter: string;
  /** Whether each element is JSON. */
  readonly hasJson: boolean;
}
