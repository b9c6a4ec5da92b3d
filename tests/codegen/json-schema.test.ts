/** A strict validator takes the schemas. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { generate, PROJECTS } from './projects.js';

it.each(PROJECTS)('compiles each schema of the project %s', (project) => {
  const files = generate('json-schema', project);
  const ajv = new Ajv2020({ strict: true });
  for (const text of files.values()) ajv.addSchema(JSON.parse(text));
  for (const file of files.keys()) expect(ajv.getSchema(file), file).toBeTypeOf('function');
});
