/**
 * The simple expressions of computed columns: `price * quantity`, `date || ' ' || time`. Text → a
 * tree of plain data. Its value is computed in values/correct/evaluate-expression.ts.
 */
import jsep from 'jsep';

const FUNCTIONS = {
  coalesce: { min: 1, max: 99 },
  concat: { min: 1, max: 99 },
  lower: { min: 1, max: 1 },
  nullif: { min: 2, max: 2 },
  replace: { min: 3, max: 3 },
  round: { min: 1, max: 2 },
  substring: { min: 2, max: 3 },
  trim: { min: 1, max: 1 },
  upper: { min: 1, max: 1 },
} as const;

export type FunctionName = keyof typeof FUNCTIONS;
export type Operator = '+' | '-' | '*' | '/' | '||';

export type Expression =
  | { readonly kind: 'field'; readonly name: string }
  /** A text or a number, as it is written. */
  | { readonly kind: 'literal'; readonly text: string | null }
  | { readonly kind: 'negative'; readonly of: Expression }
  | {
      readonly kind: 'operation';
      readonly operator: Operator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'call'; readonly name: FunctionName; readonly of: readonly Expression[] };

const OPERATORS: ReadonlySet<string> = new Set(['+', '-', '*', '/', '||']);
/** As in SQL: looser than plus and minus. */
const CONCATENATION_PRECEDENCE = 8;

jsep.removeAllUnaryOps();
jsep.addUnaryOp('-');
jsep.addBinaryOp('||', CONCATENATION_PRECEDENCE);

/** @throws RangeError that describes the fault */
export function parseExpression(text: string): Expression {
  let parsed: jsep.Expression;
  try {
    parsed = jsep(text);
  } catch (error) {
    throw new RangeError((error as Error).message);
  }
  return toExpression(parsed);
}

function toExpression(node: jsep.Expression): Expression {
  switch (node.type) {
    case 'Identifier':
      return { kind: 'field', name: (node as jsep.Identifier).name };
    case 'Literal': {
      const { value, raw } = node as jsep.Literal;
      // As in SQL, double quotes enclose a name.
      if (raw.startsWith('"')) return { kind: 'field', name: String(value) };
      return {
        kind: 'literal',
        text: typeof value === 'number' ? raw : value === null ? null : String(value),
      };
    }
    case 'UnaryExpression':
      return { kind: 'negative', of: toExpression((node as jsep.UnaryExpression).argument) };
    case 'BinaryExpression': {
      const { operator, left, right } = node as jsep.BinaryExpression;
      if (!OPERATORS.has(operator)) throw new RangeError(`${operator} is none of + - * / ||`);
      return {
        kind: 'operation',
        operator: operator as Operator,
        left: toExpression(left),
        right: toExpression(right),
      };
    }
    case 'CallExpression': {
      const { callee, arguments: given } = node as jsep.CallExpression;
      const name = callee.type === 'Identifier' ? (callee as jsep.Identifier).name : '';
      if (!Object.hasOwn(FUNCTIONS, name)) {
        throw new RangeError(`"${name}" is none of ${Object.keys(FUNCTIONS).join(', ')}`);
      }
      const { min, max } = FUNCTIONS[name as FunctionName];
      if (given.length < min || given.length > max) {
        throw new RangeError(`${name} takes ${min === max ? min : `${min} to ${max}`} values`);
      }
      return { kind: 'call', name: name as FunctionName, of: given.map(toExpression) };
    }
    case 'Compound':
      throw new RangeError('an operator is missing, or a text is not in single quotes');
    case 'MemberExpression':
      throw new RangeError('a name with a point is put in double quotes');
    default:
      throw new RangeError('fields, texts, numbers, + - * / || and functions are known');
  }
}

/** Names of the fields it reads, each once. */
export function fieldsOf(expression: Expression): string[] {
  switch (expression.kind) {
    case 'field':
      return [expression.name];
    case 'literal':
      return [];
    case 'negative':
      return fieldsOf(expression.of);
    case 'operation':
      return [...new Set([...fieldsOf(expression.left), ...fieldsOf(expression.right)])];
    case 'call':
      return [...new Set(expression.of.flatMap(fieldsOf))];
  }
}
