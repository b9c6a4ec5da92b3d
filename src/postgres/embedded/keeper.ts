/**
 * Stops the embedded server when no command is left to do so.
 *
 * A command that ends normally stops the server itself. One that is killed cannot, and a helper
 * process could be killed with it. So the watch runs inside the server, as a session of its own
 * that outlives the client that started it (PostgreSQL notices a vanished client only when it talks
 * to it). It looks every second whether any client is connected, and asks the postmaster to shut
 * down when there has been none for a while. So no kill of edp's processes, of some or of all,
 * leaves a server behind for longer than {@link GRACE_SECONDS}.
 */
import type pg from 'pg';

/** Application name of the keeper in pg_stat_activity. */
export const KEEPER_NAME = 'edp keeper';

/** A file in the data directory that keeps the server running (`edp db start`). */
export const KEEP_RUNNING_FILE = 'edp-keep-running';

/**
 * Advisory lock that every command using the server holds shared; the one that stops it,
 * exclusively.
 */
export const LEASE_LOCK = '(1162104833, 1)';
const KEEPER_LOCK = '(1162104833, 2)';

const GRACE_SECONDS = 3;

const KEEPER_LOOP = `
DO $keeper$
DECLARE
  idle_seconds int := 0;
  postmaster int := split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int;
BEGIN
  IF NOT pg_try_advisory_lock${KEEPER_LOCK} THEN RETURN; END IF;
  RAISE NOTICE 'keeping';
  LOOP
    COMMIT; -- a new snapshot, and nothing for vacuum to wait for
    PERFORM pg_sleep(1);
    IF (pg_stat_file('${KEEP_RUNNING_FILE}', true)).size IS NOT NULL
       OR EXISTS (SELECT FROM pg_stat_activity
                  WHERE backend_type = 'client backend'
                    AND application_name <> '${KEEPER_NAME}') THEN
      idle_seconds := 0;
      CONTINUE;
    END IF;
    idle_seconds := idle_seconds + 1;
    CONTINUE WHEN idle_seconds < ${GRACE_SECONDS} OR NOT pg_try_advisory_lock${LEASE_LOCK};
    EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'kill -INT ' || postmaster || ' >/dev/null');
    RETURN;
  END LOOP;
END
$keeper$`;

/**
 * Starts a keeper in the server, if there is none yet.
 *
 * @param client a connection of its own, which is given up
 */
export async function startKeeper(client: pg.Client): Promise<void> {
  await client.query(
    `SET application_name = '${KEEPER_NAME}';
     SET log_min_messages = panic; -- that it ends at a shutdown is no news for the log
     SET client_connection_check_interval = 0; -- its client is meant to vanish`,
  );
  await new Promise<void>((resolve) => {
    client.once('notice', () => resolve());
    // Resolves, too, when there is a keeper already, or when the server shuts down meanwhile.
    client.query(KEEPER_LOOP).then(
      () => resolve(),
      () => resolve(),
    );
  });
  // Not end(): that would ask the session to finish.
  (
    client as unknown as { connection: { stream: { destroy(): void } } }
  ).connection.stream.destroy();
}
