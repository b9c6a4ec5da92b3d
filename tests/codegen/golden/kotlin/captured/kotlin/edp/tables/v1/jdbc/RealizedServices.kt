// Generated from edp.yaml by edp codegen; edits are lost.
package edp.tables.v1.jdbc

import io.grpc.BindableService
import javax.sql.DataSource

/** All services, for the `addService` of a server. */
fun realizedServices(dataSource: DataSource): List<BindableService> = listOf(
  AccountsJdbcService(dataSource),
)
