/** The models, seeds, tests and snapshots of a dbt project, with their configuration. */
import { configOfFolder, type DbtConfig, evaluateConfig, mergeConfig } from './dbt-config.js';
import type { DbtFolder } from './dbt-folder.js';
import { type DbtEntry, type DbtProperties, readDbtProperties } from './dbt-properties.js';
import { type DbtSection, type DbtSettings, readDbtSettings } from './dbt-settings.js';
import { asMap, type YamlMap } from './dbt-yaml.js';
import type { Findings } from './findings.js';
import { configOfText } from './jinja-config.js';

/** A file that is one part of the project. */
export interface DbtNode {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  /** By folder, in its properties and in its file. */
  readonly config: DbtConfig;
  readonly entry: DbtEntry | undefined;
}

export interface DbtProject {
  readonly folder: DbtFolder;
  readonly settings: DbtSettings;
  readonly properties: DbtProperties;
  readonly models: readonly DbtNode[];
  /** Without their text, which may be long. */
  readonly seeds: readonly DbtNode[];
  readonly tests: readonly DbtNode[];
  readonly snapshots: readonly DbtNode[];
  readonly macros: readonly DbtNode[];
  readonly analyses: readonly DbtNode[];
  readonly pythonModels: readonly string[];
}

/** Keys of an entry that are configuration, without standing in `config:`. */
const TOP_KEYS = ['tags', 'meta', 'docs', 'freshness'] as const;

export async function readDbtProject(folder: DbtFolder, findings: Findings): Promise<DbtProject> {
  const settings = await readDbtSettings(folder);
  const properties = await readDbtProperties(folder, settings, findings);
  const { paths } = settings;
  const list = async (section: DbtSection, folders: readonly string[], ending = '.sql') => {
    const nodes: DbtNode[] = [];
    for (const file of folder.list(folders, [ending])) {
      const name = file.slice(file.lastIndexOf('/') + 1, -ending.length);
      const entry = properties.nodes.get(name);
      const ofFolder = configOfFolder(settings, section, file, folders);
      const text = ending === '.csv' ? '' : ((await folder.read(file)) ?? '');
      const ofEntry = configOfEntry(entry?.value ?? {}, settings);
      const config = mergeConfig(ofFolder, ofEntry, configOfText(text, settings.variables));
      nodes.push({ name, file, text, config, entry });
    }
    return nodes;
  };
  const snapshotFolders = paths.snapshots;
  return {
    folder,
    settings,
    properties,
    models: (await list('models', paths.models)).filter(({ text }) => !isSnapshot(text)),
    seeds: await list('seeds', paths.seeds, '.csv'),
    tests: await list('tests', paths.tests),
    snapshots: [
      ...(await list('snapshots', snapshotFolders)),
      ...(await list('snapshots', paths.models)),
    ].filter(({ text }) => isSnapshot(text)),
    macros: await list('models', paths.macros),
    analyses: await list('models', paths.analyses),
    pythonModels: folder.list(paths.models, ['.py']),
  };
}

export function isSnapshot(text: string): boolean {
  return /\{%-?\s*snapshot\s+\w+/.test(text);
}

export function configOfEntry(value: YamlMap, settings: DbtSettings): DbtConfig {
  const top = Object.fromEntries(TOP_KEYS.map((key) => [key, value[key]]));
  return evaluateConfig(mergeConfig(top, asMap(value.config)), settings);
}
