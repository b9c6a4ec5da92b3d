/** Target kotlin: the services that the target proto declares, over the realized tables. */
import { GENERATED } from '../../../events/event-schema.js';
import type { Target } from '../../codegen-target.js';
import { lockCatalogue, PACKAGE, proto } from '../proto/proto.js';
import { rowsFile } from './rows-file.js';
import { serviceFile } from './service-file.js';
import { servicesFile } from './services-file.js';

const KOTLIN_PACKAGE = `${PACKAGE}.jdbc`;
const FOLDER = `kotlin/${KOTLIN_PACKAGE.replaceAll('.', '/')}`;

export const kotlin: Target = {
  describe: 'Kotlin: the gRPC services of Protocol Buffers, over JDBC',
  isAtRoot: false,
  folder: 'kotlin',
  files: /^kotlin\/edp\/tables\/v1\/jdbc\/[^/]+\.kt$/,
  lockedBy: proto,
  *generate(catalogue, lock) {
    const { messages } = lockCatalogue(catalogue, lock);
    const named = catalogue.tables.map((table) => ({ table, locked: messages.get(table.name)! }));
    const file = (name: string, text: string) => ({
      path: `${FOLDER}/${name}.kt`,
      text: `// ${GENERATED}\npackage ${KOTLIN_PACKAGE}\n\n${text}`,
    });
    for (const { table, locked } of named) {
      yield file(`${locked.message}JdbcService`, serviceFile(table, locked, PACKAGE));
    }
    const services = named.map(({ locked }) => locked.message);
    yield file('RealizedServices', servicesFile(services));
    yield file('RealizedRows', rowsFile());
  },
};
