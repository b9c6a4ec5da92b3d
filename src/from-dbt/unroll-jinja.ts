/**
 * Loops over lists that the file itself writes out (`{% set x = ['a', 'b'] %}`, `{% for a in x %}`) → the parts that dbt
 * makes of them. Whatever else there is stays as it is.
 */
import type { JinjaPart } from './jinja-parts.js';
import { parseJinja } from './jinja-value.js';
import { type DbtVariables, evaluate } from './jinja-variables.js';

const SET = /^set\s+(\w+)\s*=\s*(.*)$/s;
const FOR = /^for\s+(\w+)\s+in\s+(.*)$/s;
const IF_LOOP = /^if\s+(not\s+)?(loop\.(?:first|last))$/;
const TEXT_IF_LOOP = /^(['"])([^'"\\]*)\1\s+if\s+(not\s+)?(loop\.(?:first|last))$/;

type Scope = ReadonlyMap<string, unknown>;

/** More parts are no SQL that somebody wants to read. */
const MAX_PARTS = 10_000;

/** @returns the same parts where nothing of it is there, or where too many would come of it */
export function unrollJinja(
  parts: readonly JinjaPart[],
  variables: DbtVariables,
): readonly JinjaPart[] {
  const unroller = new Unroller(variables);
  unroller.unroll(parts, new Map());
  return unroller.parts.length > MAX_PARTS ? parts : unroller.parts;
}

class Unroller {
  readonly parts: JinjaPart[] = [];
  readonly #variables: DbtVariables;

  constructor(variables: DbtVariables) {
    this.#variables = variables;
  }

  unroll(parts: readonly JinjaPart[], outer: Scope): void {
    const scope = new Map(outer);
    /** What is set under a condition is not known. */
    let conditions = 0;
    for (let at = 0; at < parts.length && this.parts.length <= MAX_PARTS; at++) {
      const part = parts[at]!;
      const word = part.kind === 'statement' ? /^\w+/.exec(part.text)?.[0] : undefined;
      const end = word === 'for' || word === 'if' ? endOf(parts, at) : undefined;
      if (word === 'set' && conditions === 0) this.#set(part, scope);
      else if (end !== undefined && this.#addBlock(parts.slice(at, end), scope)) at = end;
      else {
        if (word === 'if') conditions++;
        if (word === 'endif') conditions--;
        this.parts.push(part.kind === 'value' ? fillIn(part, scope) : part);
      }
    }
  }

  #set(part: JinjaPart, scope: Map<string, unknown>): void {
    const [, name, text] = SET.exec(part.text) ?? [];
    const value = text === undefined ? undefined : this.#evaluate(text, scope);
    if (name === undefined || value === undefined) {
      this.parts.push(part);
      return;
    }
    scope.set(name, value);
    this.parts.push({ ...part, kind: 'comment' });
  }

  /** @returns whether it was a loop over a known list, or a condition about such a loop */
  #addBlock([start, ...body]: readonly JinjaPart[], scope: Scope): boolean {
    const loop = FOR.exec(start!.text);
    if (loop !== null) return this.#addLoop(start!, body, loop[1]!, loop[2]!, scope);
    const [, not, name] = IF_LOOP.exec(start!.text) ?? [];
    if (name === undefined || !scope.has(name)) return false;
    const branches = splitElse(body);
    if (branches === undefined) return false;
    this.parts.push({ ...start!, kind: 'comment' });
    const isFirst = (scope.get(name) === true) === (not === undefined);
    this.unroll(branches[isFirst ? 0 : 1], scope);
    return true;
  }

  #addLoop(
    start: JinjaPart,
    body: readonly JinjaPart[],
    name: string,
    text: string,
    scope: Scope,
  ): boolean {
    const list = this.#evaluate(text, scope);
    if (!Array.isArray(list)) return false;
    this.parts.push({ ...start, kind: 'comment' });
    for (const [i, item] of list.entries()) {
      const loop: readonly (readonly [string, unknown])[] = [
        [name, item],
        ['loop.first', i === 0],
        ['loop.last', i === list.length - 1],
        ['loop.index', i + 1],
        ['loop.index0', i],
      ];
      this.unroll(body, new Map([...scope, ...loop]));
      this.parts.push({ ...start, kind: 'comment' });
    }
    return true;
  }

  #evaluate(text: string, scope: Scope): unknown {
    const expression = parseJinja(text);
    if (expression === undefined) return undefined;
    if (expression.kind === 'name') return scope.get(expression.name);
    const evaluated = evaluate(expression, this.#variables);
    return 'fault' in evaluated ? undefined : evaluated.value;
  }
}

/** A value that a loop or a `set` gives, as text of the SQL. */
function fillIn(part: JinjaPart, scope: Scope): JinjaPart {
  const [, , text, not, condition] = TEXT_IF_LOOP.exec(part.text) ?? [];
  if (condition !== undefined && scope.has(condition)) {
    const isShown = (scope.get(condition) === true) === (not === undefined);
    return asText(part, isShown ? text! : '');
  }
  const expression = parseJinja(part.text);
  const value = expression?.kind === 'name' ? scope.get(expression.name) : undefined;
  return typeof value === 'string' || typeof value === 'number'
    ? asText(part, String(value))
    : part;
}

function asText({ line }: JinjaPart, text: string): JinjaPart {
  return { kind: 'text', text, written: text, line };
}

/** The place of the statement that ends a block; undefined where it has none. */
function endOf(parts: readonly JinjaPart[], start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < parts.length; at++) {
    depth += depthOf(parts[at]!);
    if (depth === 0) return at;
  }
  return undefined;
}

function depthOf({ kind, text }: JinjaPart): number {
  if (kind !== 'statement') return 0;
  if (/^(?:if|for)\b/.test(text)) return 1;
  return /^end(?:if|for)\b/.test(text) ? -1 : 0;
}

/** @returns undefined where there are more branches than two */
function splitElse(
  body: readonly JinjaPart[],
): readonly [readonly JinjaPart[], readonly JinjaPart[]] | undefined {
  let depth = 0;
  let middle: number | undefined;
  for (const [at, part] of body.entries()) {
    depth += depthOf(part);
    if (depth > 0 || part.kind !== 'statement') continue;
    if (/^elif\b/.test(part.text)) return undefined;
    if (part.text === 'else') middle ??= at;
  }
  return middle === undefined ? [body, []] : [body.slice(0, middle), body.slice(middle + 1)];
}
