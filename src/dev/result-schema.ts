/** The JSON Schema of what the commands print with `--json`. */
import { z } from 'zod';
import { COMMAND_NAMES, failureSchema, schemasOf } from '../commands/json/results.js';

/** One definition for each command, which has all that it may print. */
export function makeResultSchema(): object {
  const commands = COMMAND_NAMES.map((name) =>
    z
      .union(Object.entries(schemasOf(name)).map(([title, schema]) => schema.meta({ title })))
      .meta({ id: name }),
  );
  const noCommand = failureSchema.meta({ title: 'a command line that names no command' });
  const { $schema, ...schema } = z.toJSONSchema(z.union([...commands, noCommand]), {
    target: 'draft-7',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Every key of JSON is a string.
      if (Object.keys(jsonSchema.propertyNames ?? {}).join() === 'type') {
        delete jsonSchema.propertyNames;
      }
      // Nobody is interested in what a number of JavaScript can hold.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  return {
    $schema,
    title: 'edp --json',
    description:
      'The one object that a command of edp prints with --json. This is the schema of one version: a later one may print more keys, and renames or removes none.',
    ...schema,
  };
}
