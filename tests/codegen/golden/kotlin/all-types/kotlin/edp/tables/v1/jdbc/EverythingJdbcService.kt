// Generated from edp.yaml by edp codegen; edits are lost.
package edp.tables.v1.jdbc

import edp.tables.v1.EverythingProto
import edp.tables.v1.EverythingServiceGrpcKt
import io.grpc.Status
import java.sql.ResultSet
import javax.sql.DataSource
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

private val TABLE = RealizedTable(
  label = "everything",
  name = "\"everything\"",
  key = listOf(
    KeyColumn("\"id\"", "uuid"),
    KeyColumn("\"at\"", "timestamp with time zone"),
  ),
  deleted = "\"deleted_at\"",
  values = listOf(
    "CAST(\"id\" AS text)",
    "CASE WHEN isfinite(\"at\") THEN to_char(\"at\" AT TIME ZONE 'UTC', CASE WHEN \"at\" AT TIME ZONE 'UTC' < TIMESTAMP '0001-01-01' THEN 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z BC\"' ELSE 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"' END) ELSE CAST(\"at\" AS text) END",
    "\"a_smallint\"",
    "\"a_int\"",
    "\"a_bigint\"",
    "\"a_real\"",
    "\"a_double\"",
    "CAST(\"a_numeric\" AS text)",
    "\"a_text\"",
    "\"a_boolean\"",
    "to_json(\"a_date\") #>> '{}'",
    "CASE WHEN isfinite(\"a_timestamp\") THEN to_char(\"a_timestamp\", CASE WHEN \"a_timestamp\" < TIMESTAMP '0001-01-01' THEN 'YYYY-MM-DD\"T\"HH24:MI:SS.US\" BC\"' ELSE 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"\"' END) ELSE CAST(\"a_timestamp\" AS text) END",
    "CAST(\"a_json\" AS text)",
    "CAST(\"a_jsonb\" AS text)",
    "CASE WHEN isfinite(\"made\") THEN to_char(\"made\" AT TIME ZONE 'UTC', CASE WHEN \"made\" AT TIME ZONE 'UTC' < TIMESTAMP '0001-01-01' THEN 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z BC\"' ELSE 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"' END) ELSE CAST(\"made\" AS text) END",
    "CASE WHEN isfinite(\"changed\") THEN to_char(\"changed\" AT TIME ZONE 'UTC', CASE WHEN \"changed\" AT TIME ZONE 'UTC' < TIMESTAMP '0001-01-01' THEN 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z BC\"' ELSE 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"' END) ELSE CAST(\"changed\" AS text) END",
    "CASE WHEN isfinite(\"deleted_at\") THEN to_char(\"deleted_at\" AT TIME ZONE 'UTC', CASE WHEN \"deleted_at\" AT TIME ZONE 'UTC' < TIMESTAMP '0001-01-01' THEN 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z BC\"' ELSE 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"' END) ELSE CAST(\"deleted_at\" AS text) END",
    "CAST(\"change_sequence\" AS text)",
  ),
)

// Rows of everything, by their keys.
class EverythingJdbcService(dataSource: DataSource) : EverythingServiceGrpcKt.EverythingServiceCoroutineImplBase() {
  private val rows = RealizedRows(dataSource, TABLE, ::readRow)

  override suspend fun getEverything(request: EverythingProto.GetEverythingRequest): EverythingProto.GetEverythingResponse =
    EverythingProto.GetEverythingResponse.newBuilder().setEverything(rows.find(keyOf(request))).build()

  override suspend fun listEverything(request: EverythingProto.ListEverythingRequest): EverythingProto.ListEverythingResponse {
    val last = readToken(request.getPageToken(), EverythingProto.GetEverythingRequest.parser())
    val page = rows.list(last?.let(::keyOf), request.getPageSize(), request.getIncludeDeleted())
    val response = EverythingProto.ListEverythingResponse.newBuilder().addAllEverything(page.rows)
    if (page.hasMore) response.setNextPageToken(writeToken(requestFor(page.rows.last())))
    return response.build()
  }

  /** The sequence orders the changes of one row only, so a table cannot be followed by it. */
  override fun watchEverything(request: EverythingProto.WatchEverythingRequest): Flow<EverythingProto.WatchEverythingResponse> = flow {
    throw failure(Status.UNIMPLEMENTED, "realized tables cannot be watched: read the change events, or list the rows again")
  }
}

private fun keyOf(key: EverythingProto.GetEverythingRequest): List<String> = listOf(
  key.getId(),
  key.getAt(),
)

private fun requestFor(row: EverythingProto.Everything): EverythingProto.GetEverythingRequest =
  EverythingProto.GetEverythingRequest.newBuilder()
    .setId(row.getId())
    .setAt(row.getAt())
    .build()

private fun readRow(row: ResultSet): EverythingProto.Everything {
  val message = EverythingProto.Everything.newBuilder()
  readPart1(row, message)
  return message.build()
}

private fun readPart1(row: ResultSet, message: EverythingProto.Everything.Builder) {
  row.text(1) { message.setId(it) }
  row.text(2) { message.setAt(it) }
  row.int(3) { message.setASmallint(it) }
  row.int(4) { message.setAInt(it) }
  row.long(5) { message.setABigint(it) }
  row.float(6) { message.setAReal(it) }
  row.double(7) { message.setADouble(it) }
  row.text(8) { message.setANumeric(it) }
  row.text(9) { message.setAText(it) }
  row.boolean(10) { message.setABoolean(it) }
  row.text(11) { message.setADate(it) }
  row.text(12) { message.setATimestamp(it) }
  row.text(13) { message.setAJson(it) }
  row.text(14) { message.setAJsonb(it) }
  row.text(15) { message.setMade(it) }
  row.text(16) { message.setChanged(it) }
  row.text(17) { message.setDeletedAt(it) }
  row.text(18) { message.setChangeSequence(it) }
}
