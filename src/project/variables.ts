/** `${NAME}` in the values of edp.yaml → the values of environment variables. */
import { type Document, type Scalar, visit } from 'yaml';
import { hideValue } from '../base/hidden-values.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `$${`, or `${` with what follows. */
const VARIABLE = /\$\$\{|\$\{([^{}]*)(\}?)/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A value as it is, and as the file has it. */
export interface ExpandedValue {
  readonly value: string;
  readonly written: string;
}

export interface VariableFault {
  /** Of the value, in the text. */
  readonly offset: number;
  readonly message: string;
}

/**
 * Replaces the variables in the document's values, not in its keys. What replaces them is hidden from
 * then on, in all output.
 *
 * @returns the faults; the document is not to be used where there are any
 */
export function expandVariables(
  document: Document,
  environment: Environment,
): { readonly expanded: readonly ExpandedValue[]; readonly faults: readonly VariableFault[] } {
  const expanded: ExpandedValue[] = [];
  const faults: VariableFault[] = [];
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string') return;
      const { messages, text } = expandText(node.value, environment);
      if (text === node.value && messages.length === 0) return;
      expanded.push({ value: text, written: node.value });
      node.value = text;
      const offset = offsetOf(node);
      faults.push(...messages.map((message) => ({ offset, message })));
    },
  });
  return { expanded, faults };
}

function offsetOf({ range }: Scalar): number {
  return range?.[0] ?? 0;
}

/** @returns the text with values, and what is wrong with it */
export function expandText(
  text: string,
  environment: Environment,
): { readonly text: string; readonly messages: readonly string[] } {
  const messages: string[] = [];
  const expanded = text.replace(VARIABLE, (whole, name: string | undefined, end) => {
    if (name === undefined) return '${';
    if (end !== '}' || !NAME.test(name)) {
      messages.push(
        `${JSON.stringify(whole)} is not the name of a variable: write \${NAME}, or $\${ for the two characters`,
      );
      return whole;
    }
    const value = environment[name];
    if (value === undefined) {
      messages.push(`the environment has no variable ${name}`);
      return whole;
    }
    hideValue(value, whole);
    return value;
  });
  return { text: expanded, messages };
}

/** A value as edp.yaml writes it, where none of its texts is meant as a variable. */
export function escapeVariables<T>(value: T): T {
  const escapeOne = (one: unknown): unknown => {
    if (typeof one === 'string') return one.replaceAll('${', () => '$${');
    if (Array.isArray(one)) return one.map(escapeOne);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([name, inner]) => [name, escapeOne(inner)]));
  };
  return escapeOne(value) as T;
}
