/** Target proto: messages of the realized tables, with a service for each that gets, lists and watches its rows. */
import { GENERATED } from '../../../events/event-schema.js';
import type { ColumnType } from '../../../model/types.js';
import type { Catalogue } from '../../catalogue.js';
import type { Target } from '../../codegen-target.js';
import { rowColumns } from '../../row-columns.js';
import { LOCK_FILE, type LockedMessages, lockFields, type WantedField } from './field-lock.js';
import { messageFile, rowFieldOf } from './message-file.js';

/** The last part is the version of the interface, as buf wants it. */
export const PACKAGE = 'edp.tables.v1';
const FOLDER = `proto/${PACKAGE.replaceAll('.', '/')}`;

/** Names that are made of the name of a message. */
function madeOfMessage(message: string): string[] {
  const methods = ['Get', 'List', 'Watch'].flatMap((method) =>
    ['Request', 'Response'].map((suffix) => `${method}${message}${suffix}`),
  );
  return [`${message}Service`, ...methods];
}

type Table = Catalogue['tables'][number];

/** @param lock text of the lock file, as it is; undefined where there is none */
export function lockCatalogue(catalogue: Catalogue, lock: string | undefined): LockedMessages {
  return lockFields(catalogue, fieldsOf, lock, madeOfMessage);
}

export const proto: Target = {
  describe: 'Protocol Buffers of the realized tables, with gRPC services',
  isAtRoot: false,
  folder: 'proto',
  files: /^proto\/(?:buf\.yaml|edp\/tables\/v1\/[^/]+\.proto)$/,
  lockFile: LOCK_FILE,
  *generate(catalogue, lock) {
    const locked = lockCatalogue(catalogue, lock);
    for (const table of catalogue.tables) {
      const message = locked.messages.get(table.name)!;
      const text = messageFile(table, message, PACKAGE);
      yield {
        path: `${FOLDER}/${rowFieldOf(message.message)}.proto`,
        text: `// ${GENERATED}\n${text}`,
      };
    }
    yield { path: 'proto/buf.yaml', text: `# ${GENERATED}\nversion: v2\n` };
    yield { path: LOCK_FILE, text: locked.text };
  },
};

/** Numbers that JavaScript would round, times and everything else that has no type here are texts, as events write them. */
const TYPES: Readonly<Record<ColumnType, string>> = {
  smallint: 'int32',
  int: 'int32',
  bigint: 'int64',
  real: 'float',
  double: 'double',
  numeric: 'string',
  text: 'string',
  boolean: 'bool',
  date: 'string',
  timestamp: 'string',
  timestamptz: 'string',
  uuid: 'string',
  json: 'string',
  jsonb: 'string',
};

function fieldsOf(table: Table): WantedField[] {
  return rowColumns(table).map(({ name, type }) => ({
    column: name,
    type: TYPES[type],
  }));
}
