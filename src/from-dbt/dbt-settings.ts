/** dbt_project.yml: names, folders, variables, and configuration by folder. */
import { EdpError } from '../base/errors.js';
import type { DbtFolder } from './dbt-folder.js';
import { asMap, asTexts, type DbtYaml, parseDbtYaml, type YamlMap } from './dbt-yaml.js';
import { evaluateText } from './jinja-variables.js';

export type DbtSection = 'models' | 'seeds' | 'snapshots' | 'tests' | 'sources';

export interface DbtSettings {
  readonly name: string;
  readonly yaml: DbtYaml;
  readonly paths: Readonly<Record<PathKind, readonly string[]>>;
  readonly variables: ReadonlyMap<string, unknown>;
}

type PathKind = 'models' | 'seeds' | 'tests' | 'snapshots' | 'macros' | 'analyses';

/** The names that older versions had, too. */
const PATHS: Readonly<Record<PathKind, readonly [string, readonly string[]]>> = {
  models: ['models', ['model-paths', 'source-paths']],
  seeds: ['seeds', ['seed-paths', 'data-paths']],
  tests: ['tests', ['test-paths']],
  snapshots: ['snapshots', ['snapshot-paths']],
  macros: ['macros', ['macro-paths']],
  analyses: ['analyses', ['analysis-paths']],
};

/** @throws EdpError `usage` where it is no YAML */
export async function readDbtSettings(folder: DbtFolder): Promise<DbtSettings> {
  const [file] = folder
    .list(['.'], ['.yml', '.yaml'])
    .filter((name) => /^dbt_project\./.test(name));
  const yaml = parseDbtYaml(file!, (await folder.read(file!)) ?? '');
  if ('fault' in yaml) {
    throw new EdpError('usage', `${file}:${yaml.line}: ${yaml.fault}`, {
      hint: 'mend the file: dbt parse shows whether it can be read',
    });
  }
  const settings = asMap(yaml.value);
  const name = typeof settings.name === 'string' ? settings.name : '';
  const pathsOf = (kind: PathKind) => {
    const [byDefault, keys] = PATHS[kind];
    const key = keys.find((one) => settings[one] !== undefined);
    const written = key === undefined ? [byDefault] : asTexts(settings[key]);
    return written.map((one) => one.replace(/^\.\//, '').replace(/\/+$/, ''));
  };
  return {
    name,
    yaml,
    paths: {
      models: pathsOf('models'),
      seeds: pathsOf('seeds'),
      tests: pathsOf('tests'),
      snapshots: pathsOf('snapshots'),
      macros: pathsOf('macros'),
      analyses: pathsOf('analyses'),
    },
    variables: readVariables(asMap(settings.vars), name),
  };
}

/** Those of the project have precedence over those of all. */
function readVariables(vars: YamlMap, project: string): Map<string, unknown> {
  const own = Object.hasOwn(vars, project) ? asMap(vars[project]) : {};
  const variables = new Map<string, unknown>();
  for (const [name, value] of [...Object.entries(vars), ...Object.entries(own)]) {
    if (name === project && typeof value === 'object') continue;
    if (typeof value !== 'string') variables.set(name, value);
    else {
      const evaluated = evaluateText(value, variables);
      if ('value' in evaluated) variables.set(name, evaluated.value);
    }
  }
  return variables;
}
