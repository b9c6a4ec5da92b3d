/** What `capture:` of edp.yaml says: where the rows of the model's tables come from. */

/** What fills an attribute of the model. */
export type CapturedColumn =
  | { readonly kind: 'column'; readonly column: string }
  /** SQL over the columns of the source row. */
  | { readonly kind: 'sql'; readonly sql: string }
  /** The key of the row of another table of the model that a column of the source refers to. */
  | { readonly kind: 'reference'; readonly column: string; readonly table: string }
  | Calculation
  | RubyMethod;

/** A value that more than the row decides: evaluated at the end of each transaction that touches it. */
export interface Calculation {
  readonly kind: 'calculation';
  readonly sql: string;
  /** Tables of the source → the column that refers to the captured table. */
  readonly alsoOn: Readonly<Record<string, string>>;
}

/** What a method of the application says of the row: the application evaluates it in each transaction that touches the row. */
export interface RubyMethod {
  readonly kind: 'method';
  readonly method: string;
  /** As of a {@link Calculation}. */
  readonly alsoOn: Readonly<Record<string, string>>;
}

export interface CapturedTable {
  /** Of the model. */
  readonly table: string;
  /** Of the source, as edp.yaml writes it. */
  readonly from: string;
  /** Declared attributes only. */
  readonly columns: Readonly<Record<string, CapturedColumn>>;
  readonly where?: string;
  /** Where edp.yaml declares it, and its attributes: `edp.yaml:12`. */
  readonly place?: string;
  readonly places?: Readonly<Record<string, string>>;
}

export interface Capture {
  /** Of the source, in events: `edp:<name>`. */
  readonly name: string;
  /** Its address. @throws EdpError `config` where the environment lacks a variable of it */
  readonly sourceUrl: () => string;
  readonly isStrict: boolean;
  readonly outboxCapMb: number;
  readonly tables: readonly CapturedTable[];
}
