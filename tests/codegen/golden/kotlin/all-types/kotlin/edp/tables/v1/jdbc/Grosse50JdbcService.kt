// Generated from edp.yaml by edp codegen; edits are lost.
package edp.tables.v1.jdbc

import edp.tables.v1.Grosse50Proto
import edp.tables.v1.Grosse50ServiceGrpcKt
import io.grpc.Status
import java.sql.ResultSet
import javax.sql.DataSource
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

private val TABLE = RealizedTable(
  label = "größe/50%",
  name = "\"größe/50%\"",
  key = listOf(
    KeyColumn("\"id\"", "integer"),
  ),
  deleted = null,
  values = listOf(
    "\"id\"",
    "\"a.b\"",
    "\"größe\"",
    "CAST(\"change_sequence\" AS text)",
  ),
)

// Rows of größe/50%, by their keys.
class Grosse50JdbcService(dataSource: DataSource) : Grosse50ServiceGrpcKt.Grosse50ServiceCoroutineImplBase() {
  private val rows = RealizedRows(dataSource, TABLE, ::readRow)

  override suspend fun getGrosse50(request: Grosse50Proto.GetGrosse50Request): Grosse50Proto.GetGrosse50Response =
    Grosse50Proto.GetGrosse50Response.newBuilder().setGrosse50(rows.find(keyOf(request))).build()

  override suspend fun listGrosse50(request: Grosse50Proto.ListGrosse50Request): Grosse50Proto.ListGrosse50Response {
    val last = readToken(request.getPageToken(), Grosse50Proto.GetGrosse50Request.parser())
    val page = rows.list(last?.let(::keyOf), request.getPageSize(), request.getIncludeDeleted())
    val response = Grosse50Proto.ListGrosse50Response.newBuilder().addAllGrosse50(page.rows)
    if (page.hasMore) response.setNextPageToken(writeToken(requestFor(page.rows.last())))
    return response.build()
  }

  /** The sequence orders the changes of one row only, so a table cannot be followed by it. */
  override fun watchGrosse50(request: Grosse50Proto.WatchGrosse50Request): Flow<Grosse50Proto.WatchGrosse50Response> = flow {
    throw failure(Status.UNIMPLEMENTED, "realized tables cannot be watched: read the change events, or list the rows again")
  }
}

private fun keyOf(key: Grosse50Proto.GetGrosse50Request): List<String> = listOf(
  key.getId().toString(),
)

private fun requestFor(row: Grosse50Proto.Grosse50): Grosse50Proto.GetGrosse50Request =
  Grosse50Proto.GetGrosse50Request.newBuilder()
    .setId(row.getId())
    .build()

private fun readRow(row: ResultSet): Grosse50Proto.Grosse50 {
  val message = Grosse50Proto.Grosse50.newBuilder()
  readPart1(row, message)
  return message.build()
}

private fun readPart1(row: ResultSet, message: Grosse50Proto.Grosse50.Builder) {
  row.int(1) { message.setId(it) }
  row.text(2) { message.setAB(it) }
  row.int(3) { message.setGrosse(it) }
  row.text(4) { message.setChangeSequence(it) }
}
