/** `var('x')` and literals → values. */

import { splitJinja } from './jinja-parts.js';
import type { JinjaExpression } from './jinja-value.js';
import { parseJinja } from './jinja-value.js';

/** `vars:` of dbt_project.yml, by name. */
export type DbtVariables = ReadonlyMap<string, unknown>;

export type Evaluated = { readonly value: unknown } | { readonly fault: string };

export function evaluate(expression: JinjaExpression, variables: DbtVariables): Evaluated {
  switch (expression.kind) {
    case 'literal':
      return { value: expression.value };
    case 'list':
      return evaluateAll(expression.items, variables);
    case 'map': {
      const values = evaluateAll(
        expression.entries.map(([, value]) => value),
        variables,
      );
      if ('fault' in values) return values;
      const list = values.value as readonly unknown[];
      return { value: Object.fromEntries(expression.entries.map(([key], i) => [key, list[i]])) };
    }
    case 'name':
      return { fault: `the value of ${expression.name} is known to dbt alone` };
    case 'call': {
      const [first, second] = expression.values;
      if (expression.name !== 'var' || first?.kind !== 'literal') {
        return { fault: `the value of ${expression.name}() is known to dbt alone` };
      }
      const name = String(first.value);
      if (variables.has(name)) return { value: variables.get(name) };
      const byDefault = second ?? expression.named.get('default');
      if (byDefault !== undefined) return evaluate(byDefault, variables);
      return { fault: `dbt_project.yml has no value of the variable ${name}` };
    }
  }
}

function evaluateAll(items: readonly JinjaExpression[], variables: DbtVariables): Evaluated {
  const values: unknown[] = [];
  for (const item of items) {
    const evaluated = evaluate(item, variables);
    if ('fault' in evaluated) return evaluated;
    values.push(evaluated.value);
  }
  return { value: values };
}

/** A text of a YAML file, which may have `{{ var('x') }}` in it. */
export function evaluateText(text: string, variables: DbtVariables): Evaluated {
  const parts = splitJinja(text);
  if ('fault' in parts) return { fault: parts.fault };
  if (parts.every(({ kind }) => kind === 'text')) return { value: text };
  const values: unknown[] = [];
  for (const part of parts) {
    if (part.kind === 'comment') continue;
    const expression = part.kind === 'value' ? parseJinja(part.text) : undefined;
    if (part.kind === 'text') values.push(part.text);
    else if (expression === undefined) return { fault: `${part.written} is known to dbt alone` };
    else {
      const evaluated = evaluate(expression, variables);
      if ('fault' in evaluated) return evaluated;
      values.push(evaluated.value);
    }
  }
  // Alone, it keeps its type.
  return { value: values.length === 1 ? values[0] : values.join('') };
}
