/** One table as a file of Protocol Buffers. */
import type { CatalogueTable } from '../../catalogue.js';
import { wordsOf } from '../../code-names.js';
import { lineComment as comment } from '../../line-comment.js';
import { rowColumns } from '../../row-columns.js';
import type { LockedMessage } from './field-lock.js';

/** The class of Java that has those of a file in it. */
export function javaClassOf(message: string): string {
  return `${message}Proto`;
}

/** The field of a response that has a row, or rows. */
export function rowFieldOf(message: string): string {
  return wordsOf(message).join('_');
}

export function messageFile(
  table: CatalogueTable,
  { message, fields, reserved }: LockedMessage,
  packageName: string,
): string {
  const columns = new Map(rowColumns(table).map((column) => [column.name, column]));
  const inUse = new Set(Object.values(fields).map(({ name }) => name));
  const names = [...new Set(reserved.map(({ name }) => name))].filter((name) => !inUse.has(name));
  const keyFields = table.key.map((column) => fields[column]!);
  const lines = [
    ...(reserved.length === 0
      ? []
      : [`  reserved ${reserved.map(({ number }) => number).join(', ')};`]),
    ...(names.length === 0 ? [] : [`  reserved ${names.map((name) => `"${name}"`).join(', ')};`]),
    ...Object.entries(fields).flatMap(([column, { name, number, type }]) => {
      const { description, isNullable } = columns.get(column)!;
      return [
        ...comment(description, '  '),
        `  ${isNullable ? 'optional ' : ''}${type} ${name} = ${number};`,
      ];
    }),
  ];
  const row = rowFieldOf(message);
  const rows = keyFields.map(({ name, number, type }) => `  ${type} ${name} = ${number};`);
  return [
    'syntax = "proto3";',
    '',
    `package ${packageName};`,
    '',
    `option java_package = "${packageName}";`,
    // By its own rule, protoc would make one name of those of two files.
    `option java_outer_classname = "${javaClassOf(message)}";`,
    '',
    ...comment(table.description ?? `A row of ${table.name}.`),
    `message ${message} {`,
    ...lines,
    '}',
    '',
    ...comment(`Rows of ${table.name}, by their keys.`),
    `service ${message}Service {`,
    ...comment(
      'The row that has this key. NOT_FOUND where there is none, or it was deleted in the source.',
      '  ',
    ),
    `  rpc Get${message}(Get${message}Request) returns (Get${message}Response);`,
    ...comment('Rows in the order of their keys, a page at a time.', '  '),
    `  rpc List${message}(List${message}Request) returns (List${message}Response);`,
    ...comment('Rows that change from now on, or behind a sequence.', '  '),
    `  rpc Watch${message}(Watch${message}Request) returns (stream Watch${message}Response);`,
    '}',
    '',
    `message Get${message}Request {`,
    ...rows,
    '}',
    '',
    `message Get${message}Response {`,
    `  ${message} ${row} = 1;`,
    '}',
    '',
    `message List${message}Request {`,
    ...comment('At most so many rows; 0 for 100. A page may be shorter.', '  '),
    '  int32 page_size = 1;',
    ...comment('Of the page before; empty for the first one.', '  '),
    '  string page_token = 2;',
    ...comment('Whether rows that were deleted in the source are wanted, too.', '  '),
    '  bool include_deleted = 3;',
    '}',
    '',
    `message List${message}Response {`,
    `  repeated ${message} ${row} = 1;`,
    ...comment('Empty on the last page.', '  '),
    '  string next_page_token = 2;',
    '}',
    '',
    `message Watch${message}Request {`,
    ...comment('A change_sequence; empty for what changes from now on.', '  '),
    '  string after_sequence = 1;',
    '}',
    '',
    `message Watch${message}Response {`,
    `  ${message} ${row} = 1;`,
    '}',
    '',
  ].join('\n');
}
