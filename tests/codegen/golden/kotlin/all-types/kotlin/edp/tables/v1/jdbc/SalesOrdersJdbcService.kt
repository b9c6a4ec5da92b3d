// Generated from edp.yaml by edp codegen; edits are lost.
package edp.tables.v1.jdbc

import edp.tables.v1.SalesOrdersProto
import edp.tables.v1.SalesOrdersServiceGrpcKt
import io.grpc.Status
import java.sql.ResultSet
import javax.sql.DataSource
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

private val TABLE = RealizedTable(
  label = "sales.orders",
  name = "\"sales\".\"orders\"",
  key = listOf(
    KeyColumn("\"id\"", "integer"),
  ),
  deleted = "\"deleted_at\"",
  values = listOf(
    "\"id\"",
    "CASE WHEN isfinite(\"deleted_at\") THEN to_char(\"deleted_at\" AT TIME ZONE 'UTC', CASE WHEN \"deleted_at\" AT TIME ZONE 'UTC' < TIMESTAMP '0001-01-01' THEN 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z BC\"' ELSE 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"' END) ELSE CAST(\"deleted_at\" AS text) END",
    "CAST(\"change_sequence\" AS text)",
  ),
)

// Rows of sales.orders, by their keys.
class SalesOrdersJdbcService(dataSource: DataSource) : SalesOrdersServiceGrpcKt.SalesOrdersServiceCoroutineImplBase() {
  private val rows = RealizedRows(dataSource, TABLE, ::readRow)

  override suspend fun getSalesOrders(request: SalesOrdersProto.GetSalesOrdersRequest): SalesOrdersProto.GetSalesOrdersResponse =
    SalesOrdersProto.GetSalesOrdersResponse.newBuilder().setSalesOrders(rows.find(keyOf(request))).build()

  override suspend fun listSalesOrders(request: SalesOrdersProto.ListSalesOrdersRequest): SalesOrdersProto.ListSalesOrdersResponse {
    val last = readToken(request.getPageToken(), SalesOrdersProto.GetSalesOrdersRequest.parser())
    val page = rows.list(last?.let(::keyOf), request.getPageSize(), request.getIncludeDeleted())
    val response = SalesOrdersProto.ListSalesOrdersResponse.newBuilder().addAllSalesOrders(page.rows)
    if (page.hasMore) response.setNextPageToken(writeToken(requestFor(page.rows.last())))
    return response.build()
  }

  /** The sequence orders the changes of one row only, so a table cannot be followed by it. */
  override fun watchSalesOrders(request: SalesOrdersProto.WatchSalesOrdersRequest): Flow<SalesOrdersProto.WatchSalesOrdersResponse> = flow {
    throw failure(Status.UNIMPLEMENTED, "realized tables cannot be watched: read the change events, or list the rows again")
  }
}

private fun keyOf(key: SalesOrdersProto.GetSalesOrdersRequest): List<String> = listOf(
  key.getId().toString(),
)

private fun requestFor(row: SalesOrdersProto.SalesOrders): SalesOrdersProto.GetSalesOrdersRequest =
  SalesOrdersProto.GetSalesOrdersRequest.newBuilder()
    .setId(row.getId())
    .build()

private fun readRow(row: ResultSet): SalesOrdersProto.SalesOrders {
  val message = SalesOrdersProto.SalesOrders.newBuilder()
  readPart1(row, message)
  return message.build()
}

private fun readPart1(row: ResultSet, message: SalesOrdersProto.SalesOrders.Builder) {
  row.int(1) { message.setId(it) }
  row.text(2) { message.setDeletedAt(it) }
  row.text(3) { message.setChangeSequence(it) }
}
