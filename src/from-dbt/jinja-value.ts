/** An expression of Jinja, as far as dbt projects need it: literals, lists, maps and calls. */

export type JinjaExpression =
  | { readonly kind: 'literal'; readonly value: JinjaLiteral }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly JinjaExpression[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [string, JinjaExpression])[] }
  | JinjaCall;

export type JinjaLiteral = string | number | boolean | null;

export interface JinjaCall {
  readonly kind: 'call';
  /** `ref`, `dbt_utils.star` */
  readonly name: string;
  readonly values: readonly JinjaExpression[];
  readonly named: ReadonlyMap<string, JinjaExpression>;
}

/** `ref` and `source`, also as a package for tests of models has them. */
const REFERENCE = /^(?:(?:builtins|dbt_unit_testing)\.)?(ref|source)$/;

/** @returns undefined for anything else */
export function referenceOf(expression: JinjaExpression | undefined): JinjaCall | undefined {
  if (expression?.kind !== 'call') return undefined;
  const name = REFERENCE.exec(expression.name)?.[1];
  return name === undefined ? undefined : { ...expression, name };
}

const WORDS: ReadonlyMap<string, JinjaLiteral> = new Map<string, JinjaLiteral>([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
  ['null', null],
]);

const TOKEN =
  /\s*(?:(?<text>'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*")|(?<number>-?\d+(?:\.\d+)?)|(?<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(?<sign>[()[\]{},:=]))/y;

type Token = Readonly<Partial<Record<'text' | 'number' | 'name' | 'sign', string>>>;

/** @returns undefined for anything else: filters, operators, attributes of values */
export function parseJinja(source: string): JinjaExpression | undefined {
  const tokens = tokenize(source.trim());
  if (tokens === undefined) return undefined;
  const reader = new Reader(tokens);
  const value = reader.read();
  return value !== undefined && reader.isDone ? value : undefined;
}

function tokenize(source: string): Token[] | undefined {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const found = TOKEN.exec(source);
    if (found === null) return undefined;
    tokens.push(found.groups as Token);
  }
  return tokens;
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get isDone(): boolean {
    return this.#at === this.#tokens.length;
  }

  read(): JinjaExpression | undefined {
    const { text, number, name, sign } = this.#tokens[this.#at++] ?? {};
    if (text !== undefined) return { kind: 'literal', value: unquote(text) };
    if (number !== undefined) return { kind: 'literal', value: Number(number) };
    if (sign === '[') return this.#list(']');
    if (sign === '(') return this.#list(')');
    if (sign === '{') return this.#map();
    if (name === undefined) return undefined;
    const word = WORDS.get(name);
    if (word !== undefined) return { kind: 'literal', value: word };
    return this.#takes('(') ? this.#call(name) : { kind: 'name', name };
  }

  #takes(sign: string): boolean {
    if (this.#tokens[this.#at]?.sign !== sign) return false;
    this.#at++;
    return true;
  }

  /** @param item whether it could be read */
  #untilClosed(close: string, item: () => boolean): boolean {
    while (!this.#takes(close)) {
      if (this.isDone || !item()) return false;
      if (!this.#takes(',') && this.#tokens[this.#at]?.sign !== close) return false;
    }
    return true;
  }

  #list(close: string): JinjaExpression | undefined {
    const items: JinjaExpression[] = [];
    const isRead = this.#untilClosed(close, () => {
      const item = this.read();
      if (item !== undefined) items.push(item);
      return item !== undefined;
    });
    return isRead ? { kind: 'list', items } : undefined;
  }

  #map(): JinjaExpression | undefined {
    const entries: [string, JinjaExpression][] = [];
    const isRead = this.#untilClosed('}', () => {
      const { text } = this.#tokens[this.#at++] ?? {};
      const value = text !== undefined && this.#takes(':') ? this.read() : undefined;
      if (value !== undefined) entries.push([unquote(text!), value]);
      return value !== undefined;
    });
    return isRead ? { kind: 'map', entries } : undefined;
  }

  #call(name: string): JinjaCall | undefined {
    const values: JinjaExpression[] = [];
    const named = new Map<string, JinjaExpression>();
    const isRead = this.#untilClosed(')', () => {
      const key =
        this.#tokens[this.#at + 1]?.sign === '=' ? this.#tokens[this.#at]?.name : undefined;
      if (key !== undefined) this.#at += 2;
      const value = this.read();
      if (value === undefined) return false;
      if (key === undefined) values.push(value);
      else named.set(key, value);
      return true;
    });
    return isRead ? { kind: 'call', name, values, named } : undefined;
  }
}

function unquote(text: string): string {
  return text
    .slice(1, -1)
    .replace(/\\([\s\S])/g, (_, sign: string) => ({ n: '\n', t: '\t' })[sign] ?? sign);
}
