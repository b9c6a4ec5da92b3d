/** Target typescript: types of change events and of realized rows, and a reader that checks events. */
import { GENERATED } from '../../../events/event-schema.js';
import type { Catalogue } from '../../catalogue.js';
import { kebabCase, pascalCase, uniqueNames } from '../../code-names.js';
import type { GeneratedFile, Target } from '../../codegen-target.js';
import { envelopeModule } from './envelope-module.js';
import { readerModule } from './reader-module.js';
import { tableModule } from './table-module.js';

/** Names of devices on Windows. */
const RESERVED_FILES = ['con', 'prn', 'aux', 'nul'];

/** `ChangeEvent` is an event of any table. */
const RESERVED_TYPES = ['change'];

export const typescript: Target = {
  describe: 'TypeScript types of change events and rows, and a reader that checks events',
  isAtRoot: false,
  folder: 'typescript',
  files: /^typescript\/(?:tables\/)?[^/]+\.ts$/,
  *generate({ tables }: Catalogue) {
    const names = tables.map(({ name }) => name);
    const types = uniqueNames(names, pascalCase, RESERVED_TYPES);
    const files = uniqueNames(names, kebabCase, RESERVED_FILES);
    const modules = tables.map((table) => ({
      table,
      type: types.get(table.name)!,
      file: files.get(table.name)!,
    }));
    for (const module of modules) {
      yield toFile(`tables/${module.file}.ts`, tableModule(module.table, module.type));
    }
    yield toFile('envelope.ts', envelopeModule());
    yield toFile('read-event.ts', readerModule(modules));
  },
};

function toFile(path: string, text: string): GeneratedFile {
  return { path: `typescript/${path}`, text: `// ${GENERATED}\n\n${text}` };
}
