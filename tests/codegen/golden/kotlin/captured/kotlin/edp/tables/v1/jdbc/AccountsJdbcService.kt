// Generated from edp.yaml by edp codegen; edits are lost.
package edp.tables.v1.jdbc

import edp.tables.v1.AccountsProto
import edp.tables.v1.AccountsServiceGrpcKt
import io.grpc.Status
import java.sql.ResultSet
import javax.sql.DataSource
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

private val TABLE = RealizedTable(
  label = "accounts",
  name = "\"accounts\"",
  key = listOf(
    KeyColumn("\"id\"", "integer"),
  ),
  deleted = "\"deleted_at\"",
  values = listOf(
    "\"id\"",
    "CAST(\"balance\" AS text)",
    "CAST(\"limit\" AS text)",
    "\"risk\"",
    "CASE WHEN isfinite(\"deleted_at\") THEN to_char(\"deleted_at\" AT TIME ZONE 'UTC', CASE WHEN \"deleted_at\" AT TIME ZONE 'UTC' < TIMESTAMP '0001-01-01' THEN 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z BC\"' ELSE 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"' END) ELSE CAST(\"deleted_at\" AS text) END",
    "CAST(\"change_sequence\" AS text)",
  ),
)

// Rows of accounts, by their keys.
class AccountsJdbcService(dataSource: DataSource) : AccountsServiceGrpcKt.AccountsServiceCoroutineImplBase() {
  private val rows = RealizedRows(dataSource, TABLE, ::readRow)

  override suspend fun getAccounts(request: AccountsProto.GetAccountsRequest): AccountsProto.GetAccountsResponse =
    AccountsProto.GetAccountsResponse.newBuilder().setAccounts(rows.find(keyOf(request))).build()

  override suspend fun listAccounts(request: AccountsProto.ListAccountsRequest): AccountsProto.ListAccountsResponse {
    val last = readToken(request.getPageToken(), AccountsProto.GetAccountsRequest.parser())
    val page = rows.list(last?.let(::keyOf), request.getPageSize(), request.getIncludeDeleted())
    val response = AccountsProto.ListAccountsResponse.newBuilder().addAllAccounts(page.rows)
    if (page.hasMore) response.setNextPageToken(writeToken(requestFor(page.rows.last())))
    return response.build()
  }

  /** The sequence orders the changes of one row only, so a table cannot be followed by it. */
  override fun watchAccounts(request: AccountsProto.WatchAccountsRequest): Flow<AccountsProto.WatchAccountsResponse> = flow {
    throw failure(Status.UNIMPLEMENTED, "realized tables cannot be watched: read the change events, or list the rows again")
  }
}

private fun keyOf(key: AccountsProto.GetAccountsRequest): List<String> = listOf(
  key.getId().toString(),
)

private fun requestFor(row: AccountsProto.Accounts): AccountsProto.GetAccountsRequest =
  AccountsProto.GetAccountsRequest.newBuilder()
    .setId(row.getId())
    .build()

private fun readRow(row: ResultSet): AccountsProto.Accounts {
  val message = AccountsProto.Accounts.newBuilder()
  readPart1(row, message)
  return message.build()
}

private fun readPart1(row: ResultSet, message: AccountsProto.Accounts.Builder) {
  row.int(1) { message.setId(it) }
  row.text(2) { message.setBalance(it) }
  row.text(3) { message.setLimit(it) }
  row.text(4) { message.setRisk(it) }
  row.text(5) { message.setDeletedAt(it) }
  row.text(6) { message.setChangeSequence(it) }
}
