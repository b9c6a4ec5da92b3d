/**
 * The SQL of a dbt file without its Jinja. Taken are `ref`, `source`, `config`, `var`, comments, loops over written lists, and blocks of
 * `is_incremental()`, which are left out: edp knows by itself what is stale.
 */
import type { Refusal } from './findings.js';
import { adviseOn } from './jinja-advice.js';
import { readConfig } from './jinja-config.js';
import { type JinjaPart, splitJinja } from './jinja-parts.js';
import { type JinjaCall, parseJinja, referenceOf } from './jinja-value.js';
import { type DbtVariables, evaluate } from './jinja-variables.js';
import { type MappedSql, SqlLines } from './sql-lines.js';
import { unrollJinja } from './unroll-jinja.js';

export interface Rendered {
  readonly sql: MappedSql;
  /** Each `ref()` and `source()`, in order. */
  readonly reads: readonly JinjaCall[];
  /** Whether something was left out that only adds to the rows that are there. */
  readonly isIncremental: boolean;
}

export interface RenderFault extends Refusal {
  readonly line: number;
}

export interface Rendering {
  readonly variables: DbtVariables;
  /** Where the SQL will be. */
  readonly file: string;
  /** The name in SQL of what a `ref()` or `source()` means. */
  readonly nameOf: (call: JinjaCall) => string | Refusal;
}

const INCREMENTAL = /^if\s+is_incremental\s*\(\s*\)\s*(?:and\b(?!.*\bor\b).*)?$/s;
const NOT_INCREMENTAL = /^if\s+not\s+is_incremental\s*\(\s*\)\s*$/;

/** @returns the first thing in it that cannot be taken, or the SQL */
export function renderJinja(source: string, rendering: Rendering): Rendered | RenderFault {
  const parts = splitJinja(source);
  if ('fault' in parts) {
    const { line, fault } = parts;
    return { line, reason: `the Jinja cannot be read: ${fault}`, instead: 'mend the file' };
  }
  return new Renderer(rendering).render(unrollJinja(parts, rendering.variables));
}

class Renderer {
  readonly #rendering: Rendering;
  readonly #lines = new SqlLines();
  readonly #reads: JinjaCall[] = [];
  /** For each `if` around, whether its SQL is kept. */
  readonly #branches: boolean[] = [];
  /** Statements that begin and end inside a part that is left out. */
  #skipped = 0;
  #isIncremental = false;

  constructor(rendering: Rendering) {
    this.#rendering = rendering;
  }

  render(parts: readonly JinjaPart[]): Rendered | RenderFault {
    for (const part of parts) {
      const fault = this.#add(part);
      if (fault !== undefined) return { line: part.line, ...fault };
    }
    return {
      sql: this.#lines.finish(),
      reads: this.#reads,
      isIncremental: this.#isIncremental,
    };
  }

  #add(part: JinjaPart): Refusal | undefined {
    if (part.kind === 'statement') return this.#addStatement(part);
    if (this.#branches.includes(false) || part.kind === 'comment') {
      this.#lines.leaveOut(part);
      return undefined;
    }
    if (part.kind === 'text') this.#lines.add(part.text, part.line);
    return part.kind === 'value' ? this.#addValue(part) : undefined;
  }

  #addStatement(part: JinjaPart): Refusal | undefined {
    const { text } = part;
    this.#lines.leaveOut(part);
    const word = /^\w+/.exec(text)?.[0];
    const isLeftOut = this.#branches.at(-1) === false;
    if (isLeftOut && (word === 'if' || word === 'for')) {
      this.#skipped++;
      return undefined;
    }
    if (isLeftOut && this.#skipped > 0) {
      if (word === 'endif' || word === 'endfor') this.#skipped--;
      return undefined;
    }
    const isIf = INCREMENTAL.test(text) || NOT_INCREMENTAL.test(text);
    if (isIf) {
      this.#isIncremental = true;
      this.#branches.push(NOT_INCREMENTAL.test(text));
      return undefined;
    }
    if (this.#branches.length > 0 && text === 'else') {
      this.#branches.push(!this.#branches.pop()!);
      return undefined;
    }
    if (this.#branches.length > 0 && text === 'endif') {
      this.#branches.pop();
      return undefined;
    }
    return isLeftOut && word !== 'elif' ? undefined : this.#refuse(part);
  }

  #addValue(part: JinjaPart): Refusal | undefined {
    const expression = parseJinja(part.text);
    // dbt fills in comments of SQL, too, and there it changes nothing.
    if (this.#lines.isInComment) {
      const reference = referenceOf(expression);
      const name = reference && this.#rendering.nameOf(reference);
      this.#lines.add(typeof name === 'string' ? name : part.text.replaceAll('\n', ' '), part.line);
      return undefined;
    }
    if (expression?.kind === 'call' && expression.name === 'config') {
      this.#lines.leaveOut(part);
      const { fault } = readConfig(expression, this.#rendering.variables);
      if (fault === undefined) return undefined;
      return { reason: fault, instead: 'write the value, and convert again' };
    }
    const reference = referenceOf(expression);
    if (reference !== undefined) {
      const name = this.#rendering.nameOf(reference);
      if (typeof name !== 'string') return name;
      this.#reads.push(reference);
      this.#lines.add(name, part.line);
      return undefined;
    }
    const isValue =
      expression?.kind === 'literal' || (expression?.kind === 'call' && expression.name === 'var');
    if (expression === undefined || !isValue) return this.#refuse(part);
    const evaluated = evaluate(expression, this.#rendering.variables);
    if ('fault' in evaluated) {
      return { reason: evaluated.fault, instead: `write the value, in ${this.#rendering.file}` };
    }
    if (typeof evaluated.value === 'object') {
      return {
        reason: `${part.written} is no single value`,
        instead: `write its SQL, in ${this.#rendering.file}`,
      };
    }
    this.#lines.add(toSqlText(evaluated.value), part.line);
    return undefined;
  }

  #refuse({ text, kind, written }: JinjaPart): Refusal {
    const what = kind === 'statement' ? `{% ${shorten(text)} %}` : shorten(written);
    return {
      reason: `edp has no templates, and ${what} is one`,
      instead: adviseOn(text, this.#rendering.file),
    };
  }
}

/** As Jinja, which is written in Python, prints it. */
function toSqlText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return value === null || value === undefined ? 'None' : String(value);
}

const MAX_SHOWN = 60;

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line;
}
