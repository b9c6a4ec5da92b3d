// Generated from edp.yaml by edp codegen; edits are lost.

/** What events of all tables have. */
export interface Envelope {
  readonly specversion: '1.0';
  /** The same event always has the same one. */
  readonly id: string;
  /** Where it happened. */
  readonly source: string;
  /** The key as a text: of several columns a JSON array of texts. */
  readonly subject?: string;
  /** RFC 3339. */
  readonly time: string;
  readonly datacontenttype?: string;
  /** Says by which version of the schema it was written; without it, by the first. */
  readonly dataschema?: string;
  /** Digits; the greater one of two events of a key is the later one. */
  readonly sequence: string;
}

/** What `data` of all events may have. */
export interface About {
  readonly transaction?: string;
  /** Whether `after` has only what changed. */
  readonly partial?: boolean;
  /** Of values that could not be calculated and are null for that reason: attribute and message. */
  readonly errors?: Readonly<Record<string, string>>;
}

/** Numbers that JSON does not have. */
export type NotFinite = 'NaN' | 'Infinity' | '-Infinity';
