/** `{{ config(…) }}` at the top of a dbt file. */
import { splitJinja } from './jinja-parts.js';
import { type JinjaCall, parseJinja } from './jinja-value.js';
import { type DbtVariables, evaluate } from './jinja-variables.js';

/** What decides which table there is. */
const DECISIVE = /^(?:materialized|unique_key|enabled|alias)$/;

export interface ConfigReading {
  /** What can be evaluated, by name. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Why something that decides which table there is cannot. */
  readonly fault: string | undefined;
}

export function readConfig({ named, values }: JinjaCall, variables: DbtVariables): ConfigReading {
  const config: Record<string, unknown> = {};
  const maps = values.flatMap((each) => (each.kind === 'map' ? each.entries : []));
  let fault: string | undefined;
  for (const [name, expression] of [...named, ...maps]) {
    const evaluated = evaluate(expression, variables);
    if ('value' in evaluated) config[name] = evaluated.value;
    else if (DECISIVE.test(name)) fault ??= `config(${name}=…): ${evaluated.fault}`;
  }
  return { config, fault };
}

/** What the file itself says; of several calls, the last has precedence. */
export function configOfText(source: string, variables: DbtVariables): ConfigReading['config'] {
  const parts = splitJinja(source);
  if ('fault' in parts) return {};
  const configs = parts.flatMap(({ kind, text }) => {
    const call = kind === 'value' && /^config\b/.test(text) ? parseJinja(text) : undefined;
    return call?.kind === 'call' ? [readConfig(call, variables).config] : [];
  });
  return Object.assign({}, ...configs);
}
