/** Projects that targets make files of. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { toCatalogue } from '../../src/codegen/catalogue.js';
import { TARGETS, type TargetName } from '../../src/codegen/targets/all-targets.js';
import { toModel } from '../../src/model/schema.js';
import { parseProject } from '../../src/project/parse.js';

const DIRECTORY = path.join(import.meta.dirname, 'projects');

export const PROJECTS = readdirSync(DIRECTORY).map((name) => path.basename(name, '.yaml'));

export function catalogueOf(project: string) {
  const text = readFileSync(path.join(DIRECTORY, `${project}.yaml`), 'utf8');
  const { tables = {}, capture } = parseProject(text);
  return toCatalogue(toModel(tables), capture);
}

/** @returns path → text */
export function generate(target: TargetName, project: string): Map<string, string> {
  const files = [...TARGETS[target].generate(catalogueOf(project))];
  return new Map(files.map((file) => [file.path, file.text]));
}
