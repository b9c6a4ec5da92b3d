/** The configuration of one part of a dbt project: by its folder, in its properties, in its own file. */
import type { DbtSection, DbtSettings } from './dbt-settings.js';
import { asMap, asTexts, isYamlMap, type YamlMap } from './dbt-yaml.js';
import { evaluateText } from './jinja-variables.js';

export type DbtConfig = Readonly<Record<string, unknown>>;

/** Keys whose value is a map, so that they are no folder where they stand without a plus. */
const MAPS: ReadonlySet<string> = new Set([
  'meta',
  'grants',
  'persist_docs',
  'column_types',
  'docs',
  'freshness',
  'labels',
  'pre-hook',
  'post-hook',
  'pre_hook',
  'post_hook',
]);

/** Configuration by folder. @param file of the part. @param folders where its files may be */
export function configOfFolder(
  settings: DbtSettings,
  section: DbtSection,
  file: string,
  folders: readonly string[],
): DbtConfig {
  const root = asMap(settings.yaml.value);
  const top = section === 'tests' ? (root.data_tests ?? root.tests) : root[section];
  const folder = folders.find((one) => file.startsWith(`${one}/`));
  const inside = folder === undefined ? file : file.slice(folder.length + 1);
  const names = inside.replace(/\.\w+$/, '').split('/');
  let node: unknown = top;
  let config = ownKeys(node);
  for (const name of [settings.name, ...names]) {
    const next = asMap(node)[name];
    if (!isYamlMap(next)) break;
    node = next;
    config = mergeConfig(config, ownKeys(node));
  }
  return evaluateConfig(config, settings);
}

function ownKeys(node: unknown): YamlMap {
  const entries = Object.entries(asMap(node)).flatMap(([key, value]): [string, unknown][] => {
    if (key.startsWith('+')) return [[key.slice(1), value]];
    return isYamlMap(value) && !MAPS.has(key) ? [] : [[key, value]];
  });
  return Object.fromEntries(entries);
}

/** The later has precedence; tags are added. */
export function mergeConfig(...configs: readonly DbtConfig[]): DbtConfig {
  const merged: Record<string, unknown> = {};
  for (const config of configs) {
    for (const [written, value] of Object.entries(config)) {
      const key = written.replaceAll('-', '_');
      if (value === undefined) continue;
      if (key === 'tags') merged.tags = [...new Set([...asTexts(merged.tags), ...asTexts(value)])];
      else if (key === 'meta') merged.meta = { ...asMap(merged.meta), ...asMap(value) };
      else merged[key] = value;
    }
  }
  return merged;
}

/** What Jinja cannot be evaluated stays as it is written. */
export function evaluateConfig(config: DbtConfig, { variables }: DbtSettings): DbtConfig {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => {
      if (typeof value !== 'string') return [key, value];
      const evaluated = evaluateText(value, variables);
      return [key, 'value' in evaluated ? evaluated.value : value];
    }),
  );
}

/** Python's `True`, and what a variable has as text. */
export function isEnabled({ enabled }: DbtConfig): boolean {
  return !(enabled === false || /^(?:false|no|off)$/i.test(String(enabled)));
}
