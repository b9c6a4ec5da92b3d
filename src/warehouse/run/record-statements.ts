/** The statements of a task that make tables, so that a person can run them by hand. */
import type pg from 'pg';

/** What edp keeps for itself has parameters, and begins in other ways. */
const MAKES =
  /^\s*(SELECT edp\.|CREATE|ALTER|DROP|INSERT|UPDATE|DELETE|WITH|ANALYZE|COMMENT|GRANT|REFRESH)\b/;

export function recordStatements(client: pg.Client): {
  readonly statements: readonly string[];
  stop(): void;
} {
  const statements: string[] = [];
  const own = client.query;
  const query = own.bind(client) as (...given: unknown[]) => unknown;
  client.query = ((...given: unknown[]) => {
    const [text, values] = given;
    if (typeof text === 'string' && values === undefined && MAKES.test(text)) statements.push(text);
    return query(...given);
  }) as typeof client.query;
  return {
    statements,
    stop() {
      client.query = own;
    },
  };
}
