/**
 * A query as a tree of plain data. Declarations are compiled to it, and an engine's printer makes its SQL
 * of it (postgres-sql.ts): nothing joins pieces of SQL, so that no name or value is ever read as SQL, and other
 * engines get the same trees.
 */

export type DateUnit = 'second' | 'minute' | 'hour' | 'day' | 'month' | 'year';

export type Expr =
  | { readonly kind: 'column'; readonly of?: string; readonly name: string }
  | { readonly kind: 'text'; readonly value: string }
  /** As written; checked by whoever made it. */
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  /** `type` as the user or the catalog writes it. */
  | { readonly kind: 'cast'; readonly of: Expr; readonly type: string }
  /** NULL where the value cannot be cast. */
  | { readonly kind: 'try-cast'; readonly of: Expr; readonly type: string }
  /** A text that is ordered by its bytes, whatever its collation. */
  | { readonly kind: 'by-bytes'; readonly of: Expr }
  | { readonly kind: 'call'; readonly name: string; readonly of: readonly Expr[] }
  | {
      readonly kind: 'aggregate';
      readonly name: string;
      /** Undefined for count(*). */
      readonly of?: Expr;
      readonly isDistinct?: boolean;
      readonly filter?: Expr;
    }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: Expr;
      readonly right: Expr;
    }
  | { readonly kind: 'not'; readonly of: Expr }
  | { readonly kind: 'is-null'; readonly of: Expr; readonly isNegated?: boolean }
  | {
      readonly kind: 'is-distinct';
      readonly left: Expr;
      readonly right: Expr;
      readonly isNegated?: boolean;
    }
  | { readonly kind: 'any'; readonly of: Expr; readonly list: Expr }
  | { readonly kind: 'in'; readonly of: Expr; readonly list: readonly Expr[] }
  | {
      readonly kind: 'case';
      readonly when: readonly { readonly if: Expr; readonly value: Expr }[];
      readonly else?: Expr;
    }
  /** A timestamp without zone, in this zone → the moment; the moment → a timestamp without zone, there. */
  | { readonly kind: 'at-zone'; readonly of: Expr; readonly zone: string }
  /** Of a timestamp without zone, or a date. */
  | { readonly kind: 'truncate'; readonly unit: DateUnit; readonly of: Expr }
  | {
      readonly kind: 'row-number';
      readonly partitionBy: readonly Expr[];
      readonly orderBy: readonly Order[];
    }
  /**
   * A function over the rows of a partition in this order: lag, lead; first_value; last_value, which sees all of them;
   * max, up to the row itself.
   */
  | {
      readonly kind: 'window';
      readonly name: 'lag' | 'lead' | 'first_value' | 'last_value' | 'max';
      readonly of: Expr;
      readonly partitionBy: readonly Expr[];
      readonly orderBy: readonly Order[];
    }
  | { readonly kind: 'exists'; readonly query: Select; readonly isNegated?: boolean }
  /** The whole row of a table of the query, as one value that compares with NULLs. */
  | { readonly kind: 'row'; readonly of: readonly Expr[] }
  /** SQL of the user, an expression. */
  | { readonly kind: 'user'; readonly sql: string };

export interface Order {
  readonly of: Expr;
  readonly isDescending?: boolean;
  /** Where NULLs go; the default is that of PostgreSQL: last, or first where descending. */
  readonly nulls?: 'first' | 'last';
}

export type From =
  | {
      readonly kind: 'table';
      readonly schema?: string;
      readonly name: string;
      readonly as?: string;
    }
  | { readonly kind: 'query'; readonly query: Select; readonly as: string }
  /** The rows of a function, each in the column `value`. */
  | { readonly kind: 'rows-of'; readonly of: Expr; readonly as: string }
  /** A whole statement of the user. */
  | { readonly kind: 'user'; readonly sql: string; readonly as: string };

export interface Join {
  readonly kind: 'inner' | 'left';
  readonly from: From;
  readonly on: Expr;
}

export interface Output {
  readonly of: Expr;
  readonly as: string;
}

export interface Select {
  readonly with?: readonly { readonly name: string; readonly query: Select }[];
  readonly isDistinct?: boolean;
  readonly columns: readonly Output[];
  /** Undefined for a row without a table. */
  readonly from?: From;
  readonly joins?: readonly Join[];
  readonly where?: Expr;
  readonly groupBy?: readonly Expr[];
  readonly having?: Expr;
  readonly orderBy?: readonly Order[];
  readonly limit?: number;
  readonly union?: readonly Select[];
}

export function column(name: string, of?: string): Expr {
  return of === undefined ? { kind: 'column', name } : { kind: 'column', of, name };
}

export function text(value: string): Expr {
  return { kind: 'text', value };
}

export function number(value: number | string): Expr {
  return { kind: 'number', text: String(value) };
}

export function binary(left: Expr, operator: string, right: Expr): Expr {
  return { kind: 'binary', operator, left, right };
}

export function call(name: string, ...of: readonly Expr[]): Expr {
  return { kind: 'call', name, of };
}

export function cast(of: Expr, type: string): Expr {
  return { kind: 'cast', of, type };
}

/** All of them; true for none. */
export function all(conditions: readonly Expr[]): Expr {
  return conditions.length === 0
    ? { kind: 'boolean', value: true }
    : conditions.reduce((left, right) => binary(left, 'AND', right));
}

/** Any of them; false for none. */
export function some(conditions: readonly Expr[]): Expr {
  return conditions.length === 0
    ? { kind: 'boolean', value: false }
    : conditions.reduce((left, right) => binary(left, 'OR', right));
}

/** Whether columns of two tables are equal, where none of them is NULL. */
export function equal(names: readonly string[], left: string, right: string): Expr {
  return all(names.map((name) => binary(column(name, left), '=', column(name, right))));
}

/** Whether columns of two tables are equal, NULL to NULL. */
export function same(names: readonly string[], left: string, right: string): Expr {
  return all(
    names.map((name) => ({
      kind: 'is-distinct',
      left: column(name, left),
      right: column(name, right),
      isNegated: true,
    })),
  );
}
