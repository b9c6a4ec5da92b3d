/** Target json-schema: of each table the schemas of its change events and of its realized rows. */
import { schemaPath } from '../../../events/change-event.js';
import { changeSchema, type ObjectSchema, realizedSchema } from '../../../events/event-schema.js';
import type { EventTable } from '../../../events/event-table.js';
import type { GeneratedFile, Target } from '../../codegen-target.js';

export const jsonSchema: Target = {
  describe: 'schemas of change events and of realized rows',
  isAtRoot: true,
  folder: 'schemas',
  files: /^schemas\/[^/]+\/(?:change|realized)\/v\d+\.json$/,
  *generate({ tables }) {
    for (const table of tables) yield* schemaFiles(table);
  },
};

/** Of the version that the model has. */
export function schemaFiles(table: EventTable): GeneratedFile[] {
  const { name, version } = table;
  return [
    { path: schemaPath(name, version, 'change'), text: formatSchema(changeSchema(table)) },
    { path: schemaPath(name, version, 'realized'), text: formatSchema(realizedSchema(table)) },
  ];
}

function formatSchema(schema: ObjectSchema): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}
