/**
 * The value of a large text, by a parser that keeps no positions and takes a fraction of the time: with 8,000 columns
 * every command would otherwise begin with a second of reading. Whoever needs a position (of a fault) reads the text
 * again with the one that keeps them (project-part.ts); a test holds the two to the same values.
 */
import { IMPOSSIBLE_NAME } from '../model/impossible-name.js';
import { type Environment, type ExpandedValue, expandText, lacksOf } from './variables.js';

/** Below that, nothing is gained that anybody would notice. */
const LARGE_CHARACTERS = 32_768;

/** Sections in which numbers under `values:` are texts. */
export const SECTIONS_OF_TEXTS: readonly string[] = ['silver', 'checks'];

/** The parsers have different names for keys that are NULL. */
const NULL_KEYS: readonly string[] = ['', '~', 'null', 'Null', 'NULL'];

/** What became of the variables. */
interface Done {
  readonly expanded: ExpandedValue[];
  /** Of values that are asked for later. */
  readonly lacks: string[];
}

interface PlainValue extends Readonly<Done> {
  readonly value: unknown;
}

type Load = (text: string) => unknown;

/** Undefined until it is needed. */
let load: Load | undefined;

/** Loads the parser, which is for large texts alone. Who does not wait for it has them read by the other one. */
export async function preparePlainParser(): Promise<void> {
  if (load !== undefined) return;
  const { CORE_SCHEMA, load: loadText } = await import('js-yaml');
  load = (text) => loadText(text, { schema: CORE_SCHEMA });
}

export function isLarge(text: string): boolean {
  return text.length >= LARGE_CHARACTERS;
}

/**
 * @returns undefined where the text is small, has faults, or has something that must be read with care; and before
 *   {@link preparePlainParser}
 */
export function readPlainValue(text: string, environment: Environment): PlainValue | undefined {
  if (load === undefined || !isLarge(text) || text.includes(IMPOSSIBLE_NAME)) return undefined;
  const done: Done = { expanded: [], lacks: [] };
  try {
    const value = load(text);
    if (hasNumbersForTexts(value)) return undefined;
    return { value: expand(value, environment, done, []), ...done };
  } catch {
    return undefined;
  }
}

/** @throws Error for what is not plain */
function expand(
  value: unknown,
  environment: Environment,
  done: Done,
  path: readonly string[],
): unknown {
  if (typeof value === 'string') return expandOne(value, environment, done, path);
  if (Array.isArray(value)) return value.map((one) => expand(one, environment, done, path));
  if (typeof value !== 'object' || value === null) return value;
  const made: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(value)) {
    if (NULL_KEYS.includes(name)) throw new Error('a key that may be NULL');
    made[name] = expand(one, environment, done, [...path, name]);
  }
  return made;
}

function expandOne(
  written: string,
  environment: Environment,
  done: Done,
  path: readonly string[],
): string {
  if (!written.includes('${')) return written;
  const expansion = expandText(written, environment);
  const later = lacksOf(path, expansion);
  if (later !== undefined) {
    done.lacks.push(...later);
    return written;
  }
  const { text, messages } = expansion;
  if (messages.length > 0) throw new Error('a fault of a variable');
  if (text !== written) done.expanded.push({ value: text, written });
  return text;
}

function hasNumbersForTexts(value: unknown): boolean {
  return SECTIONS_OF_TEXTS.some((name) => hasNumber(partOf(value, name), false));
}

function hasNumber(value: unknown, isOfValues: boolean): boolean {
  if (typeof value === 'number') return isOfValues;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, one]) =>
    hasNumber(one, isOfValues || (name === 'values' && !Array.isArray(value))),
  );
}

function partOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
