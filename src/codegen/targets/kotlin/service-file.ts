/** The service of one table. */
import { quoteIdentifier, quoteTable } from '../../../model/ddl.js';
import { type ColumnType, SQL_TYPE } from '../../../model/types.js';
import type { CatalogueTable } from '../../catalogue.js';
import { lineComment } from '../../line-comment.js';
import { rowColumns } from '../../row-columns.js';
import type { LockedMessage } from '../proto/field-lock.js';
import { javaClassOf, rowFieldOf } from '../proto/message-file.js';
import { accessorOf } from './java-names.js';

/** How a value is read: by which function of RealizedRows.kt, and from what. */
interface Reading {
  readonly by: 'text' | 'int' | 'long' | 'float' | 'double' | 'boolean';
  readonly from?: (column: string) => string;
}

const AS_TEXT: Reading = { by: 'text', from: (column) => `CAST(${column} AS text)` };

/** Texts are as events write them, whatever the settings of the session are. */
const READINGS: Readonly<Record<ColumnType, Reading>> = {
  smallint: { by: 'int' },
  int: { by: 'int' },
  bigint: { by: 'long' },
  real: { by: 'float' },
  double: { by: 'double' },
  numeric: AS_TEXT,
  text: { by: 'text' },
  boolean: { by: 'boolean' },
  date: { by: 'text', from: (column) => `to_json(${column}) #>> '{}'` },
  timestamp: { by: 'text', from: (column) => asTime(column, column, '') },
  timestamptz: {
    by: 'text',
    from: (column) => asTime(column, `${column} AT TIME ZONE 'UTC'`, 'Z'),
  },
  uuid: AS_TEXT,
  json: AS_TEXT,
  jsonb: AS_TEXT,
};

function asTime(column: string, local: string, zone: string): string {
  const form = (era: string) => `'YYYY-MM-DD"T"HH24:MI:SS.US"${zone}${era}"'`;
  const ofEra = `CASE WHEN ${local} < TIMESTAMP '0001-01-01' THEN ${form(' BC')} ELSE ${form('')} END`;
  return `CASE WHEN isfinite(${column}) THEN to_char(${local}, ${ofEra}) ELSE CAST(${column} AS text) END`;
}

/** Columns that one function reads: the JVM has a largest size of functions. */
const AT_ONCE = 200;

/** @param packageName of the messages */
export function serviceFile(
  table: CatalogueTable,
  { message, fields }: LockedMessage,
  packageName: string,
): string {
  const columns = rowColumns(table).map(({ name, type }) => ({
    sql: quoteIdentifier(name),
    type,
    accessor: accessorOf(fields[name]!.name),
    isText: fields[name]!.type === 'string',
  }));
  const keys = table.key.map((name) => columns.find(({ sql }) => sql === quoteIdentifier(name))!);
  const proto = javaClassOf(message);
  const row = accessorOf(rowFieldOf(message));
  const typeOf = (name: string) => `${proto}.${name}`;
  const keyTexts = keys.map(
    ({ accessor, isText }) => `key.get${accessor}()${isText ? '' : '.toString()'}`,
  );
  const parts = Array.from({ length: Math.ceil(columns.length / AT_ONCE) }, (_, i) =>
    columns.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
  );
  const readPart = (part: typeof columns, i: number) =>
    `private fun readPart${i + 1}(row: ResultSet, message: ${typeOf(message)}.Builder) {\n${part
      .map(
        ({ accessor, type }, j) =>
          `  row.${READINGS[type].by}(${i * AT_ONCE + j + 1}) { message.set${accessor}(it) }\n`,
      )
      .join('')}}\n`;
  const values = columns.map(({ sql, type }) => READINGS[type].from?.(sql) ?? sql);
  return `import ${packageName}.${proto}
import ${packageName}.${message}ServiceGrpcKt
import io.grpc.Status
import java.sql.ResultSet
import javax.sql.DataSource
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

private val TABLE = RealizedTable(
  label = ${quoteKotlin(table.name)},
  name = ${quoteKotlin(quoteTable(table.name))},
  key = listOf(
${keys.map(({ sql, type }) => `    KeyColumn(${quoteKotlin(sql)}, ${quoteKotlin(SQL_TYPE[type])}),\n`).join('')}  ),
  deleted = ${table.softDelete === false ? 'null' : quoteKotlin(quoteIdentifier(table.softDelete))},
  values = listOf(
${values.map((value) => `    ${quoteKotlin(value)},\n`).join('')}  ),
)

${lineComment(`Rows of ${table.name}, by their keys.`).join('\n')}
class ${message}JdbcService(dataSource: DataSource) : ${message}ServiceGrpcKt.${message}ServiceCoroutineImplBase() {
  private val rows = RealizedRows(dataSource, TABLE, ::readRow)

  override suspend fun get${message}(request: ${typeOf(`Get${message}Request`)}): ${typeOf(`Get${message}Response`)} =
    ${typeOf(`Get${message}Response`)}.newBuilder().set${row}(rows.find(keyOf(request))).build()

  override suspend fun list${message}(request: ${typeOf(`List${message}Request`)}): ${typeOf(`List${message}Response`)} {
    val last = readToken(request.getPageToken(), ${typeOf(`Get${message}Request`)}.parser())
    val page = rows.list(last?.let(::keyOf), request.getPageSize(), request.getIncludeDeleted())
    val response = ${typeOf(`List${message}Response`)}.newBuilder().addAll${row}(page.rows)
    if (page.hasMore) response.setNextPageToken(writeToken(requestFor(page.rows.last())))
    return response.build()
  }

  /** The sequence orders the changes of one row only, so a table cannot be followed by it. */
  override fun watch${message}(request: ${typeOf(`Watch${message}Request`)}): Flow<${typeOf(`Watch${message}Response`)}> = flow {
    throw failure(Status.UNIMPLEMENTED, "realized tables cannot be watched: read the change events, or list the rows again")
  }
}

private fun keyOf(key: ${typeOf(`Get${message}Request`)}): List<String> = listOf(
${keyTexts.map((text) => `  ${text},\n`).join('')})

private fun requestFor(row: ${typeOf(message)}): ${typeOf(`Get${message}Request`)} =
  ${typeOf(`Get${message}Request`)}.newBuilder()
${keys.map(({ accessor }) => `    .set${accessor}(row.get${accessor}())\n`).join('')}    .build()

private fun readRow(row: ResultSet): ${typeOf(message)} {
  val message = ${typeOf(message)}.newBuilder()
${parts.map((_, i) => `  readPart${i + 1}(row, message)\n`).join('')}  return message.build()
}

${parts.map(readPart).join('\n')}`;
}

/** As a string of Kotlin, where `$` begins a template. Names have no control characters. */
function quoteKotlin(text: string): string {
  return `"${text.replaceAll(/["$\\]/g, '\\$&')}"`;
}
