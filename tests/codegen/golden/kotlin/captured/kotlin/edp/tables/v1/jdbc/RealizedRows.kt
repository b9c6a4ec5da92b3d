// Generated from edp.yaml by edp codegen; edits are lost.
package edp.tables.v1.jdbc

import com.google.protobuf.InvalidProtocolBufferException
import com.google.protobuf.Message
import com.google.protobuf.Parser
import io.grpc.Status
import io.grpc.StatusException
import java.sql.ResultSet
import java.sql.SQLException
import java.util.Base64
import javax.sql.DataSource
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/** Rows of a page, unless more or fewer are asked for. */
private const val PAGE_SIZE = 100
/** A request for more gets so many. */
private const val MAX_PAGE_SIZE = 1000

/** A column of the key, and the type of its values, as SQL. */
internal class KeyColumn(val name: String, val type: String)

/**
 * A table as SQL.
 *
 * @param label its name for people
 * @param deleted the column with the time of the delete; null where deleted rows go
 * @param values what a row is read from
 */
internal class RealizedTable(
  val label: String,
  val name: String,
  val key: List<KeyColumn>,
  val deleted: String?,
  val values: List<String>,
)

internal class Page<Row>(val rows: List<Row>, val hasMore: Boolean)

/** Reads the rows of a table; each call takes a connection and gives it back. */
internal class RealizedRows<Row>(
  private val dataSource: DataSource,
  private val table: RealizedTable,
  private val read: (ResultSet) -> Row,
) {
  private val select = "SELECT ${table.values.joinToString()} FROM ${table.name}"
  private val keyNames = table.key.joinToString { it.name }
  private val keyValues = table.key.joinToString { "CAST(? AS ${it.type})" }
  private val isPresent = table.deleted?.let { "$it IS NULL" }

  /** @throws StatusException NOT_FOUND, also for a row that was deleted in the source */
  suspend fun find(key: List<String>): Row {
    val conditions = listOfNotNull("($keyNames) = ($keyValues)", isPresent)
    return query(conditions, key, "").firstOrNull()
      ?: throw failure(Status.NOT_FOUND, "${table.label} has no row with this key")
  }

  /** @param after the key of the last row of the page before */
  suspend fun list(after: List<String>?, pageSize: Int, includeDeleted: Boolean): Page<Row> {
    if (pageSize < 0) throw failure(Status.INVALID_ARGUMENT, "page_size is negative: $pageSize")
    val limit = if (pageSize == 0) PAGE_SIZE else minOf(pageSize, MAX_PAGE_SIZE)
    val conditions = listOfNotNull(
      after?.let { "($keyNames) > ($keyValues)" },
      isPresent.takeUnless { includeDeleted },
    )
    // One more, which tells whether there is another page.
    val rows = query(conditions, after.orEmpty(), " ORDER BY $keyNames LIMIT ${limit + 1}")
    return Page(rows.take(limit), rows.size > limit)
  }

  private suspend fun query(conditions: List<String>, values: List<String>, rest: String): List<Row> =
    withContext(Dispatchers.IO) {
      val where = if (conditions.isEmpty()) "" else " WHERE ${conditions.joinToString(" AND ")}"
      try {
        dataSource.connection.use { connection ->
          connection.prepareStatement(select + where + rest).use { statement ->
            values.forEachIndexed { index, value -> statement.setString(index + 1, value) }
            statement.executeQuery().use { result ->
              generateSequence { if (result.next()) read(result) else null }.toList()
            }
          }
        }
      } catch (error: SQLException) {
        throw toStatus(error, table.label)
      }
    }
}

/** What the server's message says of data stays in the cause: it is for the log of the service, not for its callers. */
private fun toStatus(error: SQLException, label: String): StatusException {
  val state = error.sqlState.orEmpty()
  val (status, text) = when {
    // Values in a statement come from the request alone.
    state.startsWith("22") -> Status.INVALID_ARGUMENT to "a value of the key does not fit the type of its column"
    state == "42P01" || state == "42703" || state == "3F000" ->
      Status.FAILED_PRECONDITION to "the database does not have $label as the model does: run edp realize"
    state == "57014" -> Status.DEADLINE_EXCEEDED to "the database has cancelled the query"
    state.startsWith("08") || state.startsWith("53") || state.startsWith("57") ->
      Status.UNAVAILABLE to "the database cannot be reached, or takes no query"
    else -> Status.INTERNAL to "the query of $label failed"
  }
  return failure(status, text, error)
}

internal fun failure(status: Status, text: String, cause: Throwable? = null): StatusException =
  status.withDescription(text).withCause(cause).asException()

/** The key of a row that is 0 or empty has no bytes; a token has some all the same. */
private const val TOKEN = "1."

/** @param key a request for the last row of a page */
internal fun writeToken(key: Message): String =
  TOKEN + Base64.getUrlEncoder().withoutPadding().encodeToString(key.toByteArray())

/** @return null for the first page */
internal fun <Key : Message> readToken(token: String, parser: Parser<Key>): Key? {
  if (token.isEmpty()) return null
  val key = try {
    if (token.startsWith(TOKEN)) parser.parseFrom(Base64.getUrlDecoder().decode(token.substring(TOKEN.length))) else null
  } catch (_: IllegalArgumentException) {
    null
  } catch (_: InvalidProtocolBufferException) {
    null
  }
  if (key == null || key.unknownFields.asMap().isNotEmpty()) {
    throw failure(Status.INVALID_ARGUMENT, "page_token is none that a page of this table came with")
  }
  return key
}

// NULL is a field that is not set.
internal inline fun ResultSet.text(index: Int, set: (String) -> Unit) {
  getString(index)?.let(set)
}

internal inline fun ResultSet.int(index: Int, set: (Int) -> Unit) {
  val value = getInt(index)
  if (!wasNull()) set(value)
}

internal inline fun ResultSet.long(index: Int, set: (Long) -> Unit) {
  val value = getLong(index)
  if (!wasNull()) set(value)
}

internal inline fun ResultSet.float(index: Int, set: (Float) -> Unit) {
  val value = getFloat(index)
  if (!wasNull()) set(value)
}

internal inline fun ResultSet.double(index: Int, set: (Double) -> Unit) {
  val value = getDouble(index)
  if (!wasNull()) set(value)
}

internal inline fun ResultSet.boolean(index: Int, set: (Boolean) -> Unit) {
  val value = getBoolean(index)
  if (!wasNull()) set(value)
}
