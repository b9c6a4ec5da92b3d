/** The list of all services. */

/** @param messages of all tables */
export function servicesFile(messages: readonly string[]): string {
  return `import io.grpc.BindableService
import javax.sql.DataSource

/** All services, for the \`addService\` of a server. */
fun realizedServices(dataSource: DataSource): List<BindableService> = listOf(
${messages.map((message) => `  ${message}JdbcService(dataSource),\n`).join('')})
`;
}
