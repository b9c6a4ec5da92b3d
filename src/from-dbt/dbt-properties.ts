/** What the YAML files beside models, seeds and snapshots say (schema.yml, by any name). */
import type { DbtFolder } from './dbt-folder.js';
import type { DbtSettings } from './dbt-settings.js';
import {
  asList,
  asMap,
  asText,
  type DbtYaml,
  parseDbtYaml,
  type YamlMap,
  type YamlPath,
} from './dbt-yaml.js';
import type { DbtPlace, Findings } from './findings.js';

/** An entry of a list in such a file, as it is written. */
export interface DbtEntry {
  readonly name: string;
  readonly value: YamlMap;
  readonly yaml: DbtYaml;
  readonly path: YamlPath;
}

export interface DbtProperties {
  /** Of models, seeds, snapshots and analyses alike: dbt finds them by name. */
  readonly nodes: ReadonlyMap<string, DbtEntry>;
  readonly sources: readonly DbtEntry[];
  /** Exposures, metrics and other sections, by name of the section. */
  readonly others: ReadonlyMap<string, readonly DbtEntry[]>;
  /** `{% docs x %}` → its text. */
  readonly docs: ReadonlyMap<string, string>;
}

const NODES: readonly string[] = ['models', 'seeds', 'snapshots', 'analyses'];

export async function readDbtProperties(
  folder: DbtFolder,
  { paths, yaml }: DbtSettings,
  findings: Findings,
): Promise<DbtProperties> {
  const folders = Object.values(paths).flat();
  const nodes = new Map<string, DbtEntry>();
  const sources: DbtEntry[] = [];
  const others = new Map<string, DbtEntry[]>();
  for (const file of folder.list(folders, ['.yml', '.yaml'])) {
    if (file === yaml.file) continue;
    const parsed = parseDbtYaml(file, (await folder.read(file)) ?? '');
    if ('fault' in parsed) {
      const refusal = {
        reason: `it is no YAML: ${parsed.fault}`,
        instead: 'mend it, and convert again',
      };
      findings.refuse('setting', file, { file, line: parsed.line }, refusal);
      continue;
    }
    for (const [section, value] of Object.entries(asMap(parsed.value))) {
      for (const entry of listEntries(parsed, section, value)) {
        if (NODES.includes(section)) nodes.set(entry.name, entry);
        else if (section === 'sources') sources.push(entry);
        else others.set(section, [...(others.get(section) ?? []), entry]);
      }
    }
  }
  return { nodes, sources, others, docs: await readDocs(folder, folders) };
}

function listEntries(yaml: DbtYaml, section: string, value: unknown): DbtEntry[] {
  return asList(value).flatMap((one, i) => {
    const name = asText(asMap(one).name);
    return name === undefined ? [] : [{ name, value: asMap(one), yaml, path: [section, i] }];
  });
}

const DOCS = /\{%-?\s*docs\s+(\w+)\s*-?%\}([\s\S]*?)\{%-?\s*enddocs\s*-?%\}/g;

async function readDocs(
  folder: DbtFolder,
  folders: readonly string[],
): Promise<Map<string, string>> {
  const docs = new Map<string, string>();
  for (const file of folder.list(folders, ['.md'])) {
    for (const [, name, text] of ((await folder.read(file)) ?? '').matchAll(DOCS)) {
      docs.set(name!, text!.trim());
    }
  }
  return docs;
}

const DOC = /^\s*\{\{-?\s*doc\(\s*(?:['"]\w+['"]\s*,\s*)?['"](\w+)['"]\s*\)\s*-?\}\}\s*$/;

/** The text for people, where it has one. */
export function descriptionOf(value: YamlMap, { docs }: DbtProperties): string | undefined {
  const written = asText(value.description);
  const name = written && DOC.exec(written)?.[1];
  const text = name === undefined ? written : docs.get(name);
  return text?.trim().replaceAll('\0', '');
}

export function placeOf({ yaml, path }: DbtEntry, below: YamlPath = []): DbtPlace {
  return { file: yaml.file, line: yaml.lineOf([...path, ...below]) };
}
