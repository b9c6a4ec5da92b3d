/** `${NAME}` in the values of edp.yaml → the values of environment variables. */
import { type Document, isPair, isScalar, type Scalar, visit } from 'yaml';
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

/** The address of the source: only commands that open the source ask for its variables. */
const SOURCE_URL_PATH = ['capture', 'source', 'database-url'] as const;

/**
 * Of a value that is needed only where somebody asks for it: what is to be said then, as it lacks its variables.
 *
 * @param path its keys, from the root
 * @returns undefined for any other value, and for one that lacks nothing
 */
export function lacksOf(
  path: readonly string[],
  { text, messages, isOnlyUnset }: Expansion,
): readonly string[] | undefined {
  const isAskedLater =
    path.length === SOURCE_URL_PATH.length &&
    SOURCE_URL_PATH.every((name, depth) => name === path[depth]);
  if (!isAskedLater) return undefined;
  if (text === '') return ['the URL is empty, as its variables are'];
  return isOnlyUnset ? messages : undefined;
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
): {
  readonly expanded: readonly ExpandedValue[];
  readonly faults: readonly VariableFault[];
  /** Of the values that are asked for later, which are as they are written. */
  readonly lacks: readonly string[];
} {
  const expanded: ExpandedValue[] = [];
  const lacks: string[] = [];
  const faults: VariableFault[] = [];
  visit(document, {
    Scalar(key, node, path) {
      if (key === 'key' || typeof node.value !== 'string') return;
      const expansion = expandText(node.value, environment);
      const { messages, text } = expansion;
      if (text === node.value && messages.length === 0) return;
      // What has an anchor may stand elsewhere, too.
      const later = node.anchor === undefined ? lacksOf(keysOf(path), expansion) : undefined;
      if (later !== undefined) {
        lacks.push(...later);
        return;
      }
      expanded.push({ value: text, written: node.value });
      node.value = text;
      const offset = offsetOf(node);
      faults.push(...messages.map((message) => ({ offset, message })));
    },
  });
  return { expanded, faults, lacks };
}

function keysOf(path: readonly unknown[]): string[] {
  return path.filter(isPair).map(({ key }) => String(isScalar(key) ? key.value : key));
}

function offsetOf({ range }: Scalar): number {
  return range?.[0] ?? 0;
}

/** A text with the values of its variables. */
interface Expansion {
  readonly text: string;
  /** What is wrong with it. */
  readonly messages: readonly string[];
  /** Whether variables are missing, and nothing else is wrong. */
  readonly isOnlyUnset: boolean;
}

export function expandText(text: string, environment: Environment): Expansion {
  const messages: string[] = [];
  let unset = 0;
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
      unset += 1;
      messages.push(`the environment has no variable ${name}`);
      return whole;
    }
    hideValue(value, whole);
    return value;
  });
  return { text: expanded, messages, isOnlyUnset: unset > 0 && unset === messages.length };
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
